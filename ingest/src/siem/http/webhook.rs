//! A signed POST to any server, one event per request.
//!
//! The signature is HMAC-SHA256 (RFC 2104) over the time, a dot and the body, so that neither can be changed and an old
//! request can be told. Each try is signed anew with its own time; the key of the event stays.

use std::time::{SystemTime, UNIX_EPOCH};

use data_encoding::HEXLOWER;
use hyper::header::{HeaderName, HeaderValue};
use ring::hmac;

use super::batch::{Answer, Item, Vendor};
use super::client::{Call, Client, Session, refusal};
use super::words::Reply;
use crate::siem::channel::Message;
use crate::siem::format::Format;
use crate::siem::target::WebhookTarget;

/// Seconds since 1970 at which the request was signed.
const TIMESTAMP: HeaderName = HeaderName::from_static("x-shadowtap-timestamp");
/// `v1=` and 64 hex digits.
const SIGNATURE: HeaderName = HeaderName::from_static("x-shadowtap-signature");
/// Id and revision of the event.
const KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A server.
pub(super) struct Webhook {
    format: Format,
    path: String,
    key: hmac::Key,
    hidden: Vec<String>,
}

/// A path up to this length is no secret. Of a hook it often is one, and many servers repeat it when they refuse it.
const SHORT_PATH: usize = 16;

impl Webhook {
    pub(super) fn new(format: Format, to: &WebhookTarget, client: &Client) -> Self {
        let (secret, path) = (to.secret.expose(), client.path(&[], None));
        let bare = path.trim_start_matches('/').to_owned();
        let mut hidden = vec![secret.to_owned()];
        hidden.extend(Some(bare).filter(|bare| bare.len() > SHORT_PATH));
        Self { format, key: hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), path, hidden }
    }

    fn call(&self, item: &Item, time: u64) -> Call {
        let mut signed = format!("{time}.").into_bytes();
        signed.extend_from_slice(&item.bytes);
        let signature = HEXLOWER.encode(hmac::sign(&self.key, &signed).as_ref());
        let mut headers = vec![(TIMESTAMP, HeaderValue::from(time))];
        headers.extend(HeaderValue::try_from(format!("v1={signature}")).map(|value| (SIGNATURE, value)));
        headers.extend(HeaderValue::try_from(item.key.as_str()).map(|value| (KEY, value)));
        Call {
            path: self.path.clone(),
            content_type: if self.format == Format::Cef { "text/plain; charset=utf-8" } else { "application/json" },
            headers,
            hidden: self.hidden.clone(),
            body: item.bytes.clone(),
        }
    }
}

impl Vendor for Webhook {
    /// An event is some 4 KB; small servers take 1 MB by default.
    const LARGEST: usize = 1_000_000;
    const MOST: usize = 1;

    fn item(&self, event: &Message) -> Vec<u8> {
        self.format.line(&event.event).into_bytes()
    }

    fn post(&mut self, client: &Client, session: &mut Session<'_>, items: &[Item]) -> Answer {
        let Some(item) = items.first() else { return Answer::Taken };
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        match session.post(self.call(item, time)) {
            Ok(reply) => read(client, &reply),
            Err(error) => Answer::Failed(error),
        }
    }
}

/// Lost is only what the receiver calls wrong in itself; what somebody may have set up wrong waits.
fn read(client: &Client, reply: &Reply) -> Answer {
    let mend = match reply.status.as_u16() {
        // 409: it has an event of this key already.
        200..=299 | 409 => return Answer::Taken,
        400 | 413 | 422 => return Answer::Accused(0, reply.words()),
        401 | 403 => "is the secret the one that the receiver checks signatures with?",
        404 | 405 | 410 | 415 => "is `url` the whole address of the hook?",
        _ => "",
    };
    Answer::Failed(refusal(client, reply, mend))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;
    use crate::tls::TlsFiles;

    /// The example of docs/siem.md, made with `openssl dgst -sha256 -hmac`.
    #[test]
    fn the_documented_signature_is_made() {
        let client = Client::new("hook", "http://soc.example/hook?team=1", &TlsFiles::default()).unwrap();
        let to = WebhookTarget {
            url: String::new(),
            secret: Secret::new("correct horse battery staple\n"),
            tls: TlsFiles::default(),
        };
        let item = Item { key: "0cfe7ef48ee25468-1".to_owned(), bytes: b"{\"event\":1}".to_vec() };
        let call = Webhook::new(Format::Ecs, &to, &client).call(&item, 1_794_211_200);
        assert_eq!(call.path, "/hook?team=1");
        let page = include_str!("../../../../docs/siem.md");
        for (name, value) in &call.headers {
            let line = format!("{name}: {}", value.to_str().unwrap());
            assert!(page.to_lowercase().contains(&line.to_lowercase()), "docs/siem.md should show: {line}");
        }
        assert_eq!(call.headers.len(), 3);
    }
}
