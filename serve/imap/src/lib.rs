//! Which question of IMAP is which call of the core.
