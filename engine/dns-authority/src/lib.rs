//! Zones of our own.
