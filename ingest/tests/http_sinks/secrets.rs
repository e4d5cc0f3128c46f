//! No secret reaches a message, whatever a receiver writes into its answers.

use ingest::secret::Secret;
use ingest::siem::{
    ElasticAccess, ElasticTarget, Format, HecTarget, OpenError, SentinelTarget, Sink, To, WebhookTarget,
};
use ingest::tls::TlsFiles;

use super::server::{Reply, Request, Server};
use super::{deliverer, one, sink};

const SECRET: &str = "s3cret-Tok3n/+==";

fn targets(url: &str, secret: &str) -> Vec<To> {
    let (url, tls, secret) = (url.to_owned(), TlsFiles::default(), Secret::new(secret));
    let elastic = |access| {
        let (url, tls) = (url.clone(), tls.clone());
        To::Elastic(ElasticTarget { url, data_stream: "logs-a-b".to_owned(), access, tls })
    };
    vec![
        To::Hec(HecTarget { url: url.clone(), token: secret.clone(), index: None, tls: tls.clone() }),
        elastic(ElasticAccess::ApiKey(secret.clone())),
        elastic(ElasticAccess::Basic { user: "elastic".to_owned(), password: secret.clone() }),
        To::Sentinel(SentinelTarget {
            endpoint: url.clone(),
            rule: "dcr-1".to_owned(),
            stream: "Custom-A_CL".to_owned(),
            tenant: "t".to_owned(),
            client_id: "c".to_owned(),
            client_secret: secret.clone(),
            login: url.clone(),
            audience: "https://monitor.azure.com".to_owned(),
            tls: tls.clone(),
        }),
        To::Webhook(WebhookTarget { url, secret, tls }),
    ]
}

/// Answers with everything that it was told, and gives out a token that says so of itself.
fn parrot(request: &Request) -> Reply {
    let body = String::from_utf8_lossy(&request.body).into_owned();
    if request.target.ends_with("/token") && !body.contains("no-token") {
        return Reply::json(200, &serde_json::json!({"access_token": "s3cret-bearer", "expires_in": 3600}));
    }
    let form: String = url::form_urlencoded::parse(&request.body).map(|(_, value)| value.into_owned()).collect();
    let raw = if request.target.ends_with("/token") { &body } else { "" };
    let text = format!("{} {SECRET} {form} {raw}", request.header("authorization"));
    Reply::json(403, &serde_json::json!({"error": {"type": "echo", "reason": text}}))
}

#[test]
fn a_receiver_that_repeats_the_secret_does_not_get_it_into_a_message() {
    let server = Server::start(parrot);
    for to in targets(&server.url(), SECRET) {
        assert!(!format!("{to:?}").contains("s3cret"));
        let dir = tempfile::tempdir().unwrap();
        let mut deliverer = deliverer(dir.path(), sink(Format::Ecs, to), &one());
        let error = deliverer.drain(None).unwrap().siem.remove(0).error.unwrap();
        assert!(error.contains("***") && !error.contains("s3cret"), "{error}");
        assert!(!error.contains("ZWxhc3RpYzpz"), "the password in base64: {error}");
    }
}

#[test]
fn a_login_that_repeats_the_secret_does_not_get_it_into_a_message() {
    let server = Server::start(parrot);
    let sentinel = targets(&server.url(), "no-token-s3cret+/=").remove(3);
    let dir = tempfile::tempdir().unwrap();
    let mut deliverer = deliverer(dir.path(), sink(Format::Ecs, sentinel), &one());
    let error = deliverer.drain(None).unwrap().siem.remove(0).error.unwrap();
    assert!(error.contains("***") && !error.contains("no-token"), "{error}");
}

#[test]
fn what_cannot_stand_in_a_request_is_told_at_the_start_and_not_shown() {
    let open = |to| Sink::open(&sink(Format::Ecs, to)).err().map(|error: OpenError| error.to_string());
    let wrong: Vec<Option<String>> =
        targets("http://localhost:1", "s3cret\u{1}\u{7f}").into_iter().map(open).collect();
    let words = "the sink soc: cannot use the secret: it holds a character that no header may have";
    assert_eq!(wrong[0].as_deref(), Some(words));
    assert_eq!(wrong[1].as_deref(), Some(words));
    assert_eq!(wrong[2..], [None, None, None], "encoded, sent in a form, a key");
    for url in ["http://localhost:99999", "http://[::1", "ftp://localhost"] {
        for to in targets(&format!("{url}/s3cret"), SECRET) {
            let error = open(to).unwrap();
            assert!(
                error.starts_with("the sink soc: cannot use the URL: ") && !error.contains("s3cret"),
                "{error}"
            );
        }
    }
}

#[test]
fn a_hook_whose_path_is_the_secret_is_not_named_by_it() {
    let server = Server::start(|request| Reply::json(404, &serde_json::json!({"error": request.target.clone()})));
    let url = format!("{}/services/T0/B0/s3cret-Tok3n", server.url());
    let to = To::Webhook(WebhookTarget { url, secret: Secret::new("key"), tls: TlsFiles::default() });
    let dir = tempfile::tempdir().unwrap();
    let error = deliverer(dir.path(), sink(Format::Ecs, to), &one()).drain(None).unwrap().siem.remove(0).error;
    assert!(error.as_ref().is_some_and(|error| error.contains("/***") && !error.contains("s3cret")), "{error:?}");
}
