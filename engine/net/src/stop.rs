//! How a server goes down: everybody is told, and has a while to finish.

use std::time::Duration;
use tokio::sync::watch;

/// Tells everything that holds a [`Stopping`] to end.
#[derive(Debug)]
pub struct Stop(watch::Sender<bool>);

/// Held by every listener and every connection.
#[derive(Clone, Debug)]
pub struct Stopping(watch::Receiver<bool>);

/// Both ends of one server's going down.
pub fn stop() -> (Stop, Stopping) {
    let (sender, receiver) = watch::channel(false);
    (Stop(sender), Stopping(receiver))
}

impl Stop {
    /// Tells all, and waits until all have ended, `grace` at most. How many had not by then.
    pub async fn within(&self, grace: Duration) -> usize {
        // Nobody listens if nothing was ever started, which is no fault.
        let _ = self.0.send(true);
        let _ = tokio::time::timeout(grace, self.0.closed()).await;
        self.0.receiver_count()
    }
}

impl Stopping {
    /// Ends when the server goes down, or at once if it already does.
    pub async fn told(&mut self) {
        // An error means that the `Stop` is gone, and with it whoever ran this server.
        let _ = self.0.wait_for(|stopped| *stopped).await;
    }
}
