//! Estafeta.
fn main() {}
