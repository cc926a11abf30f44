//! SMTP, submission and LMTP, server side.
