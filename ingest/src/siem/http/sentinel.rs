//! Microsoft Sentinel: rows for a table through a data collection rule.
//!
//! Sources: Microsoft, "Logs Ingestion API in Azure Monitor" (address, body, answers), "Azure Monitor service limits"
//! (1 MB per call, 64 KB per value), "OAuth 2.0 client credentials flow on the Microsoft identity platform" (the token).
//! The column names hold letters alone: the API takes no dot, hyphen or `@`, so the event as a whole is one column.

use std::time::{Duration, Instant};

use hyper::StatusCode;
use hyper::header::{self, HeaderValue};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::batch::{Answer, Item, Vendor, joined};
use super::client::{Call, Client, Session, refusal, secret_header};
use super::words::Reply;
use crate::secret::Secret;
use crate::siem::channel::{Message, SendError};
use crate::siem::format::Format;
use crate::siem::target::SentinelTarget;
use crate::tls::TlsError;

/// Version of the API.
const VERSION: &str = "api-version=2023-01-01";
/// A token is not used in its last minutes: a request under way would find it expired.
const MARGIN: Duration = Duration::from_secs(300);
/// The longest time that a token is kept, whatever it says of itself.
const KEPT: u64 = 86_400;

/// Columns of a row: name, type in the rule's stream, where the value stands in the event.
const COLUMNS: [(&str, &str, &str); 13] = [
    ("TimeGenerated", "datetime", "/@timestamp"),
    ("Uid", "string", "/event/id"),
    ("Dataset", "string", "/event/dataset"),
    ("Action", "string", "/event/action"),
    ("Rule", "string", "/rule/id"),
    ("Severity", "int", "/event/severity"),
    ("State", "string", "/labels/state"),
    ("Status", "string", "/labels/policy_status"),
    ("Site", "string", "/observer/geo/name"),
    ("Device", "string", "/source/address"),
    ("Service", "string", "/service/id"),
    ("Message", "string", "/message"),
    ("ReportDueAt", "datetime", "/labels/report_due_at"),
];
/// The revision, which together with `Uid` tells repeats.
const REVISION: (&str, &str) = ("Revision", "int");
/// The event as a whole.
const EVENT: (&str, &str) = ("Event", "dynamic");

/// A stream of a data collection rule.
pub(super) struct Sentinel {
    name: String,
    format: Format,
    path: String,
    login: Client,
    login_path: String,
    client_id: String,
    client_secret: Secret,
    scope: String,
    token: Option<Token>,
}

/// A token, until shortly before it expires.
struct Token {
    header: HeaderValue,
    text: String,
    until: Instant,
}

/// What the login gives out.
#[derive(Deserialize)]
struct Grant {
    access_token: String,
    #[serde(default)]
    expires_in: u64,
}

impl Sentinel {
    pub(super) fn new(name: &str, format: Format, to: &SentinelTarget, client: &Client) -> Result<Self, TlsError> {
        let login = Client::new(name, &to.login, &to.tls)?;
        Ok(Self {
            name: name.to_owned(),
            format,
            path: client.path(&["dataCollectionRules", &to.rule, "streams", &to.stream], Some(VERSION)),
            login_path: login.path(&[&to.tenant, "oauth2", "v2.0", "token"], None),
            login,
            client_id: to.client_id.clone(),
            client_secret: to.client_secret.clone(),
            scope: format!("{}/.default", to.audience.trim_end_matches('/')),
            token: None,
        })
    }

    /// The token that is at hand, or a new one.
    fn token(&mut self) -> Result<&Token, SendError> {
        let fresh = self.token.take().filter(|token| Instant::now() < token.until);
        let token = match fresh {
            Some(token) => token,
            None => self.fetch()?,
        };
        Ok(self.token.insert(token))
    }

    fn fetch(&self) -> Result<Token, SendError> {
        let secret = self.client_secret.expose();
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &self.client_id)
            .append_pair("client_secret", secret)
            .append_pair("scope", &self.scope)
            .finish();
        let call = Call {
            path: self.login_path.clone(),
            content_type: "application/x-www-form-urlencoded",
            headers: Vec::new(),
            hidden: vec![secret.to_owned(), url::form_urlencoded::byte_serialize(secret.as_bytes()).collect()],
            body: form.into_bytes(),
        };
        let reply = self.login.session(|session| session.post(call))??;
        let grant = serde_json::from_slice::<Grant>(&reply.body).ok();
        match grant.filter(|_| reply.status == StatusCode::OK) {
            Some(grant) => self.keep(grant),
            None => Err(self.no_token(&reply)),
        }
    }

    fn keep(&self, grant: Grant) -> Result<Token, SendError> {
        let header = secret_header(&format!("Bearer {}", grant.access_token))
            .map_err(|_| self.send_error("the login's token cannot stand in a header".to_owned()))?;
        let lives = Duration::from_secs(grant.expires_in.min(KEPT));
        let until = Instant::now() + lives.saturating_sub(MARGIN).max(lives / 2);
        Ok(Token { header, text: grant.access_token, until })
    }

    fn no_token(&self, reply: &Reply) -> SendError {
        let mend = match reply.status.as_u16() {
            200 => return self.send_error("the login answers without a token".to_owned()),
            400 | 401 => "no token: check tenant, client_id, and that the secret is its value and not expired",
            404 => "no token: check login and tenant",
            _ => "no token",
        };
        refusal(&self.login, reply, mend)
    }

    fn send_error(&self, why: String) -> SendError {
        SendError::Send { sink: self.name.clone(), why }
    }

    fn try_once(&mut self, session: &mut Session<'_>, body: Vec<u8>) -> Result<Reply, SendError> {
        let (path, secret) = (self.path.clone(), self.client_secret.expose().to_owned());
        let token = self.token()?;
        session.post(Call {
            path,
            content_type: "application/json",
            headers: vec![(header::AUTHORIZATION, token.header.clone())],
            hidden: vec![token.text.clone(), secret],
            body,
        })
    }
}

impl Vendor for Sentinel {
    /// A call holds 1 MB before compression; the rest is for whoever counts the headers.
    const LARGEST: usize = 1_000_000;
    const MOST: usize = 500;

    /// A row. Absent values are absent, so that the column is null.
    fn item(&self, event: &Message) -> Vec<u8> {
        let mut row = Map::new();
        for (name, _, pointer) in COLUMNS {
            if let Some(value) = event.event.pointer(pointer) {
                row.insert(name.to_owned(), value.clone());
            }
        }
        row.insert(REVISION.0.to_owned(), json!(event.revision));
        row.insert(EVENT.0.to_owned(), self.format.value(&event.event));
        Value::Object(row).to_string().into_bytes()
    }

    /// A token that the endpoint no longer takes is replaced once.
    fn post(&mut self, client: &Client, session: &mut Session<'_>, items: &[Item]) -> Answer {
        let body = joined(items, ["[", ",", "]"]);
        let had_one = self.token.is_some();
        let mut reply = self.try_once(session, body.clone());
        if had_one && reply.as_ref().is_ok_and(|reply| reply.status == StatusCode::UNAUTHORIZED) {
            self.token = None;
            reply = self.try_once(session, body);
        }
        match reply {
            Ok(reply) => {
                if reply.status == StatusCode::UNAUTHORIZED {
                    self.token = None;
                }
                read(client, &reply)
            }
            Err(error) => Answer::Failed(error),
        }
    }
}

/// Success is 204 and nothing else. The rows fit the declared stream by their making, so 400 says that the rule is
/// another: they wait.
fn read(client: &Client, reply: &Reply) -> Answer {
    let mend = match reply.status.as_u16() {
        204 => return Answer::Taken,
        413 => return Answer::TooLarge(reply.words()),
        400 => "does the rule declare the stream as docs/siem.md shows it?",
        401 => "is `audience` that of the cloud?",
        403 => "give the application the role Monitoring Metrics Publisher on the rule; it takes up to 30 minutes",
        404 => "check url, the immutable id in `rule`, and `stream`",
        _ => "",
    };
    Answer::Failed(refusal(client, reply, mend))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The declaration in the documentation is what the rows need, column by column.
    #[test]
    fn the_documented_stream_is_the_one_that_is_sent() {
        let mut columns: Vec<(&str, &str)> = COLUMNS.iter().map(|(name, kind, _)| (*name, *kind)).collect();
        columns.insert(2, REVISION);
        columns.push(EVENT);
        let columns: Vec<Value> =
            columns.into_iter().map(|(name, kind)| json!({"name": name, "type": kind})).collect();
        let page = include_str!("../../../../docs/siem.md");
        let declared = page.split("```json\n").skip(1).filter_map(|block| block.split("```").next());
        let declared: Vec<Value> = declared.filter_map(|block| serde_json::from_str(block).ok()).collect();
        for pointer in ["/properties/streamDeclarations/Custom-Shadowtap_CL/columns", "/properties/schema/columns"]
        {
            let found = declared.iter().find_map(|block| block.pointer(pointer));
            assert_eq!(found, Some(&json!(columns)), "{pointer} in docs/siem.md:\n{}", json!(columns));
        }
    }

    #[test]
    fn column_names_are_such_as_the_table_takes() {
        for name in COLUMNS.iter().map(|(name, _, _)| *name).chain([REVISION.0, EVENT.0]) {
            assert!(name.len() <= 45 && name.chars().all(|c| c.is_ascii_alphabetic()), "{name}");
        }
    }
}
