//! Which question of SMTP is which call of the core.
