//! The road of reports of our own, to whoever has sent what they report on.

use crate::{Asked, Delivery, Incoming, Origin, Recipient};
use core_queue::{Homecoming, Homeward};
use core_store::Batch;
use core_world::Later;
use words_mail::{Address, ForwardPath, Notify, Refusal, ReversePath};

/// How a report comes, as Received names it: from this server itself.
const PROTOCOL: &str = "LOCAL";

impl Homeward for Delivery {
    fn begin<'a>(&'a self, to: &'a Address) -> Later<'a, Result<Box<dyn Homecoming>, Refusal>> {
        Box::pin(async move {
            let (path, null) = (ForwardPath::Address(to.clone()), ReversePath(None));
            // Nobody is told what became of a report (RFC 3461 §6.1).
            let asked = Asked { notify: Notify::Never, trusted: true, ..Asked::new(&path, &null) };
            let recipient = self.recipient(&asked).await?;
            let origin = Origin {
                helo: self.road.options.host_name.clone(),
                protocol: PROTOCOL,
                only_recipient: Some(to.clone()),
                is_report: true,
                ..Origin::default()
            };
            let incoming = self.begin(origin);
            Ok(Box::new(Report { incoming, recipient }) as Box<dyn Homecoming>)
        })
    }
}

/// A report on its way.
struct Report {
    incoming: Incoming,
    recipient: Recipient,
}

impl Homecoming for Report {
    fn write<'a>(&'a mut self, octets: &'a [u8]) -> Later<'a, Result<(), Refusal>> {
        Box::pin(self.incoming.write(octets))
    }

    fn finish(self: Box<Self>, beside: Batch) -> Later<'static, Result<(), Refusal>> {
        let Report { incoming, recipient } = *self;
        Box::pin(async move {
            let delivered = incoming.finish_beside(&[recipient], Some(beside)).await?;
            delivered.recipients.into_iter().try_for_each(|told| told.map(drop))
        })
    }
}
