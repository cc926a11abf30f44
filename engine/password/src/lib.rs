//! Argon2id on a bounded pool.
