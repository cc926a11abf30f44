//! Answers a request and tells of it.

use crate::asked::{Asked, Over, Said, Told};
use crate::served::Served;
use async_trait::async_trait;
use hickory_server::net::NetError;
use hickory_server::net::runtime::Time;
use hickory_server::net::xfer::Protocol;
use hickory_server::proto::op::{Message, ResponseCode};
use hickory_server::proto::rr::{Name, Record, RecordType};
use hickory_server::proto::serialize::binary::BinEncoder;
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::{MessageResponse, MessageResponseBuilder};
use std::sync::{Arc, Mutex, RwLock};

/// Answers from the zones as they are now.
pub struct Handler {
    served: Arc<RwLock<Arc<Served>>>,
    told: Told,
}

impl Handler {
    /// From `served`; `told` hears of it.
    pub fn new(served: Arc<RwLock<Arc<Served>>>, told: Told) -> Handler {
        Handler { served, told }
    }

    fn served(&self) -> Arc<Served> {
        self.served.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }
}

#[async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(
        &self,
        request: &Request,
        mut response_handle: R,
    ) -> ResponseInfo {
        let served = self.served();
        let query = request.request_info().ok().map(|info| info.query.clone());
        let root = Name::root().into();
        let (name, kind) = match &query {
            Some(query) => (query.name(), query.query_type()),
            None => (&root, RecordType::SOA),
        };
        let draft = Draft::default();
        let info =
            served.catalog(name, kind).handle_request::<Draft, T>(request, draft.clone()).await;
        let Some(message) = draft.take() else { return info };
        if let Some(query) = &query {
            (self.told)(&asked(request, query.name(), query.query_type(), &message));
        }
        let mut builder = MessageResponseBuilder::new(&request.queries, None);
        if let Some(edns) = &message.edns {
            builder.edns(edns);
        }
        let response = builder.build(
            message.metadata,
            message.answers.iter(),
            message.authorities.iter(),
            std::iter::empty::<&Record>(),
            message.additionals.iter(),
        );
        response_handle.send_response(response).await.unwrap_or(info)
    }
}

fn asked(request: &Request, name: &Name, kind: RecordType, message: &Message) -> Asked {
    let is_told = |record: &&Record| record.record_type() != RecordType::RRSIG;
    let records: Vec<String> =
        message.answers.iter().filter(is_told).map(|record| record.data.to_string()).collect();
    let said = match message.metadata.response_code {
        ResponseCode::NXDomain => Said::NoSuchName,
        ResponseCode::NoError if records.is_empty() => Said::NoRecords,
        ResponseCode::NoError => Said::Records(records),
        code => Said::Refused(code.to_string()),
    };
    Asked {
        from: request.src(),
        over: if request.protocol() == Protocol::Udp { Over::Udp } else { Over::Tcp },
        name: name.to_lowercase().to_ascii().trim_end_matches('.').to_string(),
        kind: kind.to_string(),
        said,
    }
}

/// A response on its way, kept to be looked at.
#[derive(Clone, Default)]
struct Draft(Arc<Mutex<Option<Message>>>);

impl Draft {
    fn take(&self) -> Option<Message> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take()
    }
}

#[async_trait]
impl ResponseHandler for Draft {
    async fn send_response<'a>(
        &mut self,
        response: MessageResponse<
            '_,
            'a,
            impl Iterator<Item = &'a Record> + Send + 'a,
            impl Iterator<Item = &'a Record> + Send + 'a,
            impl Iterator<Item = &'a Record> + Send + 'a,
            impl Iterator<Item = &'a Record> + Send + 'a,
        >,
    ) -> Result<ResponseInfo, NetError> {
        let mut octets = Vec::with_capacity(512);
        let mut encoder = BinEncoder::new(&mut octets);
        encoder.set_max_size(u16::MAX);
        let info = response.destructive_emit(&mut encoder)?;
        let message = Message::from_vec(&octets)?;
        *self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(message);
        Ok(info)
    }
}
