//! What an authority says, no sooner than a wrong password of ours would be refused.

use super::silent;
use crate::Directory;
use core_world::AuthorityError;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use words_mail::Refusal;

impl Directory {
    /// Puts the question while `password` is hashed for nobody, so that a name of which authorities
    /// are asked is refused when any other would be, as long as they answer faster than a hash takes.
    /// Who is let in does not wait for the hash.
    pub(super) async fn at_full_cost<T>(
        &self,
        password: &[u8],
        question: impl Future<Output = Result<Option<T>, AuthorityError>>,
    ) -> Result<Option<T>, Refusal> {
        let (mut question, mut payment) = (pin!(question), pin!(self.pay(password)));
        let (mut refused, mut paid) = (false, None);
        poll_fn(|cx| {
            if !refused && let Poll::Ready(answer) = question.as_mut().poll(cx) {
                match answer {
                    Ok(Some(found)) => return Poll::Ready(Ok(Some(found))),
                    Ok(None) => refused = true,
                    Err(error) => return Poll::Ready(Err(silent(error))),
                }
            }
            if paid.is_none()
                && let Poll::Ready(result) = payment.as_mut().poll(cx)
            {
                paid = Some(result);
            }
            match &paid {
                Some(result) if refused => Poll::Ready(result.clone().map(|()| None)),
                _ => Poll::Pending,
            }
        })
        .await
    }
}
