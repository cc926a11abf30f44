//! Two things that a desk waits for.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// Which of two ended first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// The one.
    One,
    /// The other.
    Other,
}

/// Ends with the first of two that ends; the second is dropped.
pub async fn first(one: impl Future<Output = ()>, other: impl Future<Output = ()>) -> First {
    let (mut one, mut other) = (pin!(one), pin!(other));
    poll_fn(|cx| {
        if one.as_mut().poll(cx).is_ready() {
            return Poll::Ready(First::One);
        }
        other.as_mut().poll(cx).map(|()| First::Other)
    })
    .await
}
