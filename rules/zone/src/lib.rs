//! Which records a domain publishes.
