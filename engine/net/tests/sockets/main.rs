//! The driver and TLS over real sockets of this machine.

mod certificate;
mod dialer;
mod driver;
mod echo;
mod proxy;
mod tls;
mod trust;
