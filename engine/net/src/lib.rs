//! Sockets, TLS, and the driver that runs a Session at its Desk.
