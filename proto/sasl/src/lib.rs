//! SASL mechanisms as small state machines, server side.
