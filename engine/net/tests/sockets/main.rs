//! The driver and TLS over real sockets of this machine.

mod driver;
mod echo;
mod tls;
