//! The library's questions, over our own connections.

use bytes::Bytes;
use core_world::{Fetch, FetchError, Reach};
use engine_https::{Answer, Ask, Https};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use std::pin::Pin;
use std::time::Duration;

/// The longest answer of an authority.
const ANSWER_MAX: usize = 1 << 20;
/// So long one question may take.
const WITHIN: Duration = Duration::from_secs(30);

/// Asks the authority that the operator has named.
pub(crate) struct Client(pub(crate) Https);

impl HttpClient for Client {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let https = self.0.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.map_err(other)?.to_bytes();
            let texts = parts.headers.iter().filter_map(|(name, value)| {
                // We say ourselves who we are and how long the body is.
                let ours = ["host", "user-agent", "content-length"].contains(&name.as_str());
                Some((name.as_str(), value.to_str().ok()?)).filter(|_| !ours)
            });
            let fields: Vec<(&str, &str)> = texts.collect();
            let what = Fetch {
                url: parts.uri.to_string(),
                size_max: ANSWER_MAX,
                within: WITHIN,
                reach: Reach::Anywhere,
            };
            let ask = Ask { method: parts.method.as_str(), fields: &fields, body: &body };
            let answer = https.ask(&what, ask).await;
            response(answer.map_err(other::<FetchError>)?)
        })
    }
}

fn response(answer: Answer) -> Result<BytesResponse, Error> {
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.fields {
        response = response.header(name.as_str(), value.as_slice());
    }
    let response = response.body(Full::new(Bytes::from(answer.body))).map_err(other)?;
    Ok(BytesResponse::from(response))
}

fn other<E: std::error::Error + Send + Sync + 'static>(error: E) -> Error {
    Error::Other(Box::new(error))
}
