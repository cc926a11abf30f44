//! Futures side by side.

use core_world::Later;
use std::future::poll_fn;
use std::task::Poll;

/// Waits for all of them at once; the results in their order.
pub async fn together<'a, T>(waiting: Vec<Later<'a, T>>) -> Vec<T> {
    let mut slots: Vec<(Option<Later<'a, T>>, Option<T>)> =
        waiting.into_iter().map(|future| (Some(future), None)).collect();
    poll_fn(|context| {
        let mut pending = false;
        for (future, done) in &mut slots {
            let Some(waiting) = future else { continue };
            match waiting.as_mut().poll(context) {
                Poll::Ready(value) => (*future, *done) = (None, Some(value)),
                Poll::Pending => pending = true,
            }
        }
        if pending { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    slots.into_iter().filter_map(|(_, done)| done).collect()
}
