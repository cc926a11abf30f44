//! One message, examined while it comes.

use crate::key::PublicKeys;
use crate::lookup::look_up;
use crate::together::together;
use core_world::{Arrival, Clock, Examination, Examiner, Later, Resolver};
use rules_sender::{BodyHash, Check, Found, Known, Lookup, Verdicts};
use std::sync::Arc;
use std::time::Duration;

/// Names that are asked for because of one message.
const LOOKUPS_MAX: usize = 250;
/// After so long no more is asked (RFC 7208 §4.6.4 wants at least 20 seconds).
const ASKING: Duration = Duration::from_secs(20);

/// Looks whether senders are genuine.
pub struct Genuine {
    resolver: Arc<dyn Resolver>,
    clock: Arc<dyn Clock>,
}

impl Genuine {
    /// With this resolver; the clock ends an examination that takes too long.
    pub fn new(resolver: Arc<dyn Resolver>, clock: Arc<dyn Clock>) -> Genuine {
        Genuine { resolver, clock }
    }
}

impl Examiner for Genuine {
    fn begin(&self, arrival: Arrival) -> Box<dyn Examination> {
        let Genuine { resolver, clock } = self;
        Box::new(Running {
            resolver: resolver.clone(),
            clock: clock.clone(),
            arrival,
            check: None,
            bodies: Vec::new(),
        })
    }
}

struct Running {
    resolver: Arc<dyn Resolver>,
    clock: Arc<dyn Clock>,
    arrival: Arrival,
    /// Once the header has come.
    check: Option<Check>,
    bodies: Vec<BodyHash>,
}

impl Examination for Running {
    fn header(&mut self, header: &[u8]) {
        let check = check(&self.arrival, header);
        self.bodies = check.body_hashes().into_iter().map(BodyHash::new).collect();
        self.check = Some(check);
    }

    fn body(&mut self, piece: &[u8]) {
        for body in &mut self.bodies {
            body.feed(piece);
        }
    }

    fn finish(self: Box<Self>) -> Later<'static, Verdicts> {
        Box::pin(self.judge())
    }
}

impl Running {
    async fn judge(self) -> Verdicts {
        let arrival = self.arrival;
        let check = self.check.unwrap_or_else(|| check(&arrival, b""));
        let bodies = self.bodies.into_iter().map(|body| (body.kind(), body.finish())).collect();
        let now = u64::try_from(arrival.at.millis() / 1000).unwrap_or_default();
        let begun = self.clock.now();
        let mut known = Known::default();
        loop {
            let needs = check.needs(&known);
            if needs.is_empty()
                && let Ok(verdicts) = check.verdicts(&known, &bodies, &PublicKeys, now)
            {
                return verdicts;
            }
            let asked = Duration::from_millis(
                u64::try_from(self.clock.now().millis() - begun.millis()).unwrap_or_default(),
            );
            let answers = match known.count() < LOOKUPS_MAX && asked < ASKING {
                true => ask(&*self.resolver, &needs).await,
                false => vec![Found::Temporary("it took too long".to_string()); needs.len()],
            };
            for (lookup, found) in needs.into_iter().zip(answers) {
                known.learn(lookup, found);
            }
        }
    }
}

fn check(arrival: &Arrival, header: &[u8]) -> Check {
    let Arrival { ip, helo, reverse_path, host_name, .. } = arrival;
    Check::new(*ip, helo, reverse_path, host_name, header)
}

async fn ask(resolver: &dyn Resolver, needs: &[Lookup]) -> Vec<Found> {
    let asking =
        needs.iter().map(|lookup| -> Later<'_, Found> { Box::pin(look_up(resolver, lookup)) });
    together(asking.collect()).await
}
