//! The house in a simulated world.
