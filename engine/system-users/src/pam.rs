//! Passwords by PAM.

use core_world::AuthorityError;
use nonstick::{
    AuthnFlags, ConversationAdapter, ErrorCode, Result as PamResult, Transaction,
    TransactionBuilder,
};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;

/// A name that no system gives: a user's begins with a letter.
pub(crate) const NOBODY: &str = "-estafeta-nobody-";

/// Answers PAM's questions: whatever it wants to hear unseen is the password.
struct Answers {
    user: String,
    password: OsString,
}

impl ConversationAdapter for Answers {
    fn prompt(&self, _: impl AsRef<OsStr>) -> PamResult<OsString> {
        Ok(OsString::from(&self.user))
    }

    fn masked_prompt(&self, _: impl AsRef<OsStr>) -> PamResult<OsString> {
        Ok(self.password.clone())
    }

    fn error_msg(&self, _: impl AsRef<OsStr>) {}

    fn info_msg(&self, _: impl AsRef<OsStr>) {}
}

/// Is it the password of `user`, and may they come in? Blocks, on purpose for long if it is wrong.
/// Neither text holds a NUL.
pub(crate) fn verify(service: &str, user: &str, password: &[u8]) -> Result<bool, AuthorityError> {
    match attempt(service, user, password) {
        Ok(()) => Ok(true),
        Err(
            ErrorCode::AuthenticationError
            | ErrorCode::UserUnknown
            | ErrorCode::MaxTries
            | ErrorCode::PermissionDenied
            | ErrorCode::AccountExpired
            | ErrorCode::NewAuthTokRequired
            | ErrorCode::AuthTokExpired
            | ErrorCode::CredentialsExpired,
        ) => Ok(false),
        Err(error) => Err(AuthorityError(format!(
            "PAM says: {error}; see /etc/pam.d/{service} and the system's log"
        ))),
    }
}

fn attempt(service: &str, user: &str, password: &[u8]) -> PamResult<()> {
    let password = OsString::from_vec(password.to_vec());
    let answers = Answers { user: user.to_string(), password };
    let builder = TransactionBuilder::new_with_service(service).username(user);
    let mut transaction = builder.build(answers.into_conversation())?;
    // Even if a module would let in without one.
    transaction.authenticate(AuthnFlags::DISALLOW_NULL_AUTHTOK)?;
    transaction.account_management(AuthnFlags::DISALLOW_NULL_AUTHTOK)
}
