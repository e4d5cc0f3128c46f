//! Microsoft's login and Logs Ingestion API, from "Logs Ingestion API in Azure Monitor" and "OAuth 2.0 client
//! credentials flow". The rule's stream is the one of docs/siem.md.

use std::collections::HashMap;

use ingest::secret::Secret;
use ingest::siem::{Format, SentinelTarget, To};
use ingest::tls::TlsFiles;
use serde_json::{Value, json};

use super::{Receiver, Reply, Request, Run, many, one, refuses};

const SECRET: &str = "wK8Q~a+b/c=&d%e f";
const RULE: &str = "dcr-00000000000000000000000000000001";

/// A tenant with one application and one rule.
pub(crate) struct Azure {
    /// Tokens that were given out; the last one is good unless it has expired.
    pub(crate) tokens: u32,
    pub(crate) expired: bool,
    pub(crate) lifetime: u64,
    pub(crate) has_role: bool,
    pub(crate) throttled: u32,
    pub(crate) largest: usize,
    columns: HashMap<String, String>,
    pub(crate) rows: Vec<Value>,
}

impl Default for Azure {
    fn default() -> Self {
        Self {
            tokens: 0,
            expired: false,
            lifetime: 3599,
            has_role: true,
            throttled: 0,
            largest: 1 << 20,
            columns: declared(),
            rows: Vec::new(),
        }
    }
}

/// The columns that docs/siem.md tells the operator to declare.
fn declared() -> HashMap<String, String> {
    let page = include_str!("../../../docs/siem.md");
    let blocks = page.split("```json\n").skip(1).filter_map(|block| block.split("```").next());
    let blocks: Vec<Value> = blocks.filter_map(|block| serde_json::from_str(block).ok()).collect();
    let find = |block: &Value| block.pointer("/properties/streamDeclarations/Custom-Shadowtap_CL/columns").cloned();
    let columns = blocks.iter().find_map(find).unwrap();
    let text = |column: &Value, key: &str| column[key].as_str().unwrap().to_owned();
    columns.as_array().unwrap().iter().map(|column| (text(column, "name"), text(column, "type"))).collect()
}

pub(crate) fn target(url: &str) -> To {
    to(url, |_| {})
}

fn to(url: &str, change: impl FnOnce(&mut SentinelTarget)) -> To {
    let mut target = SentinelTarget {
        endpoint: url.to_owned(),
        rule: RULE.to_owned(),
        stream: "Custom-Shadowtap_CL".to_owned(),
        tenant: "contoso.example".to_owned(),
        client_id: "11111111-2222-3333-4444-555555555555".to_owned(),
        client_secret: Secret::new(SECRET),
        login: url.to_owned(),
        audience: "https://monitor.azure.com".to_owned(),
        tls: TlsFiles::default(),
    };
    change(&mut target);
    To::Sentinel(target)
}

fn error(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(status, &json!({"error": {"code": code, "message": message}}))
}

impl Receiver for Azure {
    fn answer(&mut self, request: &Request) -> Reply {
        assert_eq!(request.method, "POST");
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        match path.split('/').skip(1).collect::<Vec<_>>().as_slice() {
            [tenant, "oauth2", "v2.0", "token"] => self.login(tenant, request),
            ["dataCollectionRules", rule, "streams", stream] => self.ingest([rule, stream, query], request),
            _ => error(404, "ResourceNotFound", "The resource does not exist."),
        }
    }

    fn keys(&self) -> Vec<String> {
        self.rows.iter().map(|row| format!("{}-{}", row["Uid"].as_str().unwrap(), row["Revision"])).collect()
    }
}

impl Azure {
    fn login(&mut self, tenant: &str, request: &Request) -> Reply {
        let form: HashMap<String, String> = url::form_urlencoded::parse(&request.body).into_owned().collect();
        assert_eq!(request.header("content-type"), "application/x-www-form-urlencoded");
        assert_eq!(form["grant_type"], "client_credentials");
        let oauth = |code: &str, why: &str| json!({"error": code, "error_description": why});
        if tenant != "contoso.example" {
            return Reply::json(400, &oauth("invalid_request", "AADSTS90002: Tenant not found."));
        }
        if form["client_secret"] != SECRET {
            let why = format!("AADSTS7000215: Invalid client secret {} provided.", form["client_secret"]);
            return Reply::json(401, &oauth("invalid_client", &why));
        }
        if form["scope"] != "https://monitor.azure.com/.default" {
            return Reply::json(400, &oauth("invalid_scope", "AADSTS70011: The provided scope is not valid."));
        }
        self.tokens += 1;
        self.expired = false;
        let token = format!("eyJ.token.{}", self.tokens);
        Reply::json(200, &json!({"token_type": "Bearer", "expires_in": self.lifetime, "access_token": token}))
    }

    fn ingest(&mut self, [rule, stream, query]: [&str; 3], request: &Request) -> Reply {
        if request.header("authorization") != format!("Bearer eyJ.token.{}", self.tokens) || self.expired {
            return error(401, "InvalidToken", "The token has expired.");
        }
        if query != "api-version=2023-01-01" || request.header("content-type") != "application/json" {
            return error(400, "InvalidRequest", "api-version or content type");
        }
        if rule != RULE || stream != "Custom-Shadowtap_CL" {
            return error(404, "ResourceNotFound", "Data collection rule or stream not found.");
        }
        if !self.has_role {
            return error(403, "OperationFailed", "The authentication token does not have access to ingest data.");
        }
        if self.throttled > 0 {
            self.throttled -= 1;
            return error(429, "RequestRateLimitExceeded", "Slow down.").with("retry-after", "2");
        }
        if request.body.len() > self.largest {
            return error(413, "ContentLengthLimitExceeded", "Maximum allowed content length exceeded.");
        }
        let Ok(Value::Array(rows)) = serde_json::from_slice(&request.body) else {
            return error(400, "InvalidRequestFormat", "The body is no array.");
        };
        match rows.iter().find_map(|row| self.misfit(row)) {
            Some(name) => error(400, "InvalidTransformOutput", &format!("column {name} does not fit the stream")),
            None => {
                self.rows.extend(rows);
                Reply::empty(204)
            }
        }
    }

    /// The first column that the rule does not declare so.
    fn misfit(&self, row: &Value) -> Option<String> {
        let fits = |(name, value): &(&String, &Value)| match self.columns.get(*name).map(String::as_str) {
            Some("datetime") => value.as_str().is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok()),
            Some("string") => value.is_string(),
            Some("int") => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
            Some("dynamic") => value.is_object(),
            _ => false,
        };
        let row = row.as_object().unwrap();
        let missing =
            ["TimeGenerated", "Uid", "Revision", "Event"].into_iter().find(|name| !row.contains_key(*name));
        let misfit = row.iter().find(|column| !fits(column)).map(|(name, _)| name.clone());
        misfit.or(missing.map(str::to_owned))
    }
}

#[test]
fn a_finding_becomes_a_row_of_the_declared_stream() {
    let mut run = Run::new(Azure::default(), target, &one());
    let report = run.round();
    assert_eq!((report.sent, report.waiting, report.error), (1, 0, None));
    let row = run.receiver().rows[0].clone();
    let expected = json!({
        "TimeGenerated": "2026-11-09T08:00:00Z",
        "Uid": row["Event"]["event"]["id"],
        "Revision": 1,
        "Dataset": "shadowtap.finding",
        "Action": "create",
        "Rule": "prohibited-use",
        "Severity": 8,
        "State": "open",
        "Status": "prohibited",
        "Site": "hq",
        "Device": "10.20.1.12",
        "Service": "deep",
        "Message": row["Event"]["message"],
        "ReportDueAt": "2026-11-09T09:00:00Z",
        "Event": row["Event"],
    });
    assert_eq!(row, expected);
}

#[test]
fn the_columns_are_filled_whatever_the_format_of_the_event() {
    let mut run = Run::with(Azure::default(), Format::Ocsf, target, &one());
    assert_eq!(run.round().sent, 1);
    assert_eq!(run.receiver().rows[0]["Rule"], "prohibited-use");
}

#[test]
fn one_token_serves_until_the_endpoint_no_longer_takes_it() {
    let mut run = Run::new(Azure { largest: 30_000, ..Azure::default() }, target, &many(30));
    assert_eq!(run.round().sent, 30);
    assert!(run.server.requests().len() > 5);
    assert_eq!(run.receiver().tokens, 1, "one token for many requests");

    let mut run = Run::new(Azure { throttled: 1, ..Azure::default() }, target, &one());
    refuses(&mut run, &["429", "RequestRateLimitExceeded"]);
    run.receiver().expired = true;
    assert_eq!(run.settle().sent, 1);
    assert_eq!(run.receiver().tokens, 2, "a new one for the one that expired");
    assert_eq!(run.server.requests().len(), 5, "login, 429, 401, login, 204: no other round");
}

#[test]
fn a_token_of_no_lifetime_is_fetched_each_time() {
    let short = Azure { lifetime: 0, throttled: 1, ..Azure::default() };
    let mut run = Run::new(short, target, &one());
    refuses(&mut run, &["429"]);
    assert_eq!(run.settle().sent, 1);
    assert_eq!(run.receiver().tokens, 2);
}

type Change = fn(&mut SentinelTarget);

#[test]
fn a_wrong_secret_tenant_rule_or_role_waits_with_its_mend() {
    let cases: [(&str, Change, &[&str]); 6] = [
        ("secret", |to| to.client_secret = Secret::new("wrong-one"), &["401", "AADSTS7000215", "no token"]),
        ("tenant", |to| to.tenant = "fabrikam".to_owned(), &["AADSTS90002", "check tenant"]),
        ("audience", |to| to.audience = "https://graph.example/".to_owned(), &["AADSTS70011"]),
        ("rule", |to| to.rule = "dcr-2".to_owned(), &["404", "ResourceNotFound", "immutable id"]),
        ("stream", |to| to.stream = "Custom-Other_CL".to_owned(), &["404", "`stream`"]),
        ("hostile", |to| to.stream = "../../evil?x=1".to_owned(), &["404"]),
    ];
    for (what, change, words) in cases {
        let mut run = Run::new(Azure::default(), |url| to(url, change), &one());
        println!("{what}");
        refuses(&mut run, words);
        let told = format!("{:?}", run.server.requests().last());
        assert!(what != "hostile" || told.contains("..%2F..%2Fevil%3Fx=1"), "{told}");
    }
    let mut run = Run::new(Azure { has_role: false, ..Azure::default() }, target, &one());
    refuses(&mut run, &["403", "OperationFailed", "Monitoring Metrics Publisher"]);
    run.receiver().has_role = true;
    assert_eq!(run.settle().sent, 1);
}

#[test]
fn a_rule_that_declares_another_stream_loses_nothing() {
    let mut azure = Azure::default();
    azure.columns.remove("Rule");
    let mut run = Run::new(azure, target, &one());
    refuses(&mut run, &["400", "column Rule does not fit", "docs/siem.md"]);
    run.receiver().columns = declared();
    assert_eq!(run.settle().sent, 1);
}
