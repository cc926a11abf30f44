//! Which question of POP3 is which call of the core.
