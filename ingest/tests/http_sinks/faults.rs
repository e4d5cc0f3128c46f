//! What goes wrong between any receiver and us. Each fault happens once; then the receiver is well, and has each event
//! once or, where it keeps no ids, again under the same key.

use std::io::{BufReader, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use ingest::siem::{Format, To};

use super::{
    Receiver, Reply, Request, Run, Server, deliverer, elastic, many, one, sentinel, sink, splunk, wait_for, webhook,
};

/// What happens to the first request with events in it.
#[derive(Clone)]
enum Fault {
    /// The receiver does this instead of reading the request.
    Instead(Reply),
    /// The receiver takes the events, and then this is all that comes of its answer.
    After(Reply),
}

struct Faulty<R> {
    inner: R,
    fault: Option<Fault>,
}

impl<R: Receiver> Receiver for Faulty<R> {
    fn answer(&mut self, request: &Request) -> Reply {
        if request.target.ends_with("/token") {
            return self.inner.answer(request);
        }
        match self.fault.take() {
            Some(Fault::Instead(reply)) => reply,
            Some(Fault::After(reply)) => {
                self.inner.answer(request);
                reply
            }
            None => self.inner.answer(request),
        }
    }

    fn keys(&self) -> Vec<String> {
        self.inner.keys()
    }
}

/// The fault at every receiver; `words` stand in the error.
fn everywhere(fault: &Fault, words: &[&str]) {
    thread::scope(|scope| {
        scope.spawn(|| suffers("splunk", splunk::Collector::default(), splunk::target, fault, words));
        scope.spawn(|| suffers("elastic", elastic::Cluster::default(), elastic::target, fault, words));
        scope.spawn(|| suffers("sentinel", sentinel::Azure::default(), sentinel::target, fault, words));
        scope.spawn(|| suffers("webhook", webhook::Hook::default(), webhook::target, fault, words));
    });
}

fn suffers<R: Receiver>(name: &str, inner: R, to: fn(&str) -> To, fault: &Fault, words: &[&str]) {
    let mut run = Run::new(Faulty { inner, fault: Some(fault.clone()) }, to, &one());
    let report = run.round();
    let error = report.error.unwrap_or_else(|| panic!("{name}: no error"));
    assert_eq!((report.sent, report.refused, report.waiting), (0, 0, 1), "{name}: {error}");
    for word in words {
        assert!(error.starts_with("soc: ") && error.contains(word), "{name}: {word:?} in {error}");
    }
    assert!(error.len() < 600 && error.chars().all(|c| !c.is_control()), "{name}: {error}");
    assert_eq!(run.settle().sent, 1, "{name}");
    let keys = run.receiver().keys();
    let kept_ids = !["splunk", "sentinel"].contains(&name);
    let expected = if matches!(fault, Fault::After(_)) && !kept_ids { 2 } else { 1 };
    assert_eq!(keys.len(), expected, "{name}: {keys:?}");
    assert!(keys.iter().all(|key| *key == keys[0] && key.ends_with("-1")), "{name}: {keys:?}");
}

#[test]
fn a_connection_that_is_cut_before_the_answer_repeats_the_event_under_its_key() {
    everywhere(&Fault::Instead(Reply::Cut(Vec::new())), &["cannot send"]);
    everywhere(&Fault::After(Reply::Cut(Vec::new())), &["cannot send"]);
}

#[test]
fn an_answer_that_is_cut_counts_for_nothing() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-le".to_vec();
    everywhere(&Fault::After(Reply::Cut(head)), &["cannot send"]);
    let body = b"HTTP/1.1 200 OK\r\ncontent-length: 27\r\n\r\n{\"text\":\"Succ".to_vec();
    everywhere(&Fault::After(Reply::Cut(body)), &["cannot send"]);
}

#[test]
fn a_redirect_is_not_followed() {
    let reply = Reply::empty(307).with("location", "http://localhost:1/collect");
    everywhere(&Fault::Instead(reply), &["307", "redirects are not followed"]);
}

#[test]
fn an_answer_without_end_is_not_kept() {
    let reply = Reply::Answer(200, Vec::new(), vec![b'['; 5 << 20]);
    everywhere(&Fault::After(reply), &["cannot send", "length limit exceeded"]);
}

#[test]
fn what_is_no_http_is_an_error() {
    everywhere(&Fault::Instead(Reply::Cut(b"220 mail.example ESMTP\r\n".to_vec())), &["cannot send"]);
}

#[test]
fn bytes_that_are_no_text_and_pages_of_proxies_are_told_in_short() {
    let bytes = Reply::Answer(502, Vec::new(), [b"\xff\xfe bad\x00\x1b[2J\r\n".as_slice(), &[b'x'; 5000]].concat());
    everywhere(&Fault::Instead(bytes), &["502 Bad Gateway"]);
    let page = b"<!DOCTYPE html>\n<html><script>alert(1)</script></html>".to_vec();
    everywhere(&Fault::Instead(Reply::Answer(503, Vec::new(), page)), &["503", "a page of HTML"]);
}

/// A portal answers everything with 200. Only a webhook cannot know better.
#[test]
fn a_page_of_status_200_is_no_success() {
    let page = Fault::Instead(Reply::Answer(200, Vec::new(), b"<html>please sign in</html>".to_vec()));
    let words = &["a page of HTML"];
    suffers("splunk", splunk::Collector::default(), splunk::target, &page, words);
    suffers("elastic", elastic::Cluster::default(), elastic::target, &page, words);
    suffers("sentinel", sentinel::Azure::default(), sentinel::target, &page, words);
}

#[test]
fn an_answer_to_other_events_counts_for_nothing() {
    for body in [r#"{"errors":false,"items":[]}"#, r#"{"errors":false}"#, "null", "{}"] {
        let fault = Fault::Instead(Reply::Answer(200, Vec::new(), body.as_bytes().to_vec()));
        suffers("elastic", elastic::Cluster::default(), elastic::target, &fault, &["no answer to 1 events"]);
    }
}

#[test]
fn a_pause_that_the_receiver_asks_for_is_kept() {
    let asks = Reply::empty(429).with("retry-after", "3");
    let fault = Some(Fault::Instead(asks));
    let mut run = Run::new(Faulty { inner: splunk::Collector::default(), fault }, splunk::target, &one());
    assert!(run.round().error.unwrap().contains("429"));
    let begun = Instant::now();
    assert_eq!(run.settle().sent, 1);
    assert!(begun.elapsed() > Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[test]
fn an_answer_that_never_comes_costs_a_bounded_time() {
    let fault = Some(Fault::After(Reply::Silence));
    let mut run = Run::new(Faulty { inner: elastic::Cluster::default(), fault }, elastic::target, &one());
    let begun = Instant::now();
    assert!(run.round().error.unwrap().contains("no answer within 15 s"));
    assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
    assert_eq!(run.settle().sent, 1);
    assert_eq!(run.receiver().keys().len(), 1, "the repeat is the same document");
}

/// Some servers answer a body that is too large by closing: smaller ones get through.
#[test]
fn a_request_that_breaks_is_made_smaller() {
    let closes = |request: &Request| request.body.len() > 60_000;
    struct Closing<R, F>(R, F);
    impl<R: Receiver, F: Fn(&Request) -> bool + Send + 'static> Receiver for Closing<R, F> {
        fn answer(&mut self, request: &Request) -> Reply {
            if (self.1)(request) { Reply::Cut(Vec::new()) } else { self.0.answer(request) }
        }

        fn keys(&self) -> Vec<String> {
            self.0.keys()
        }
    }
    let mut run = Run::new(Closing(splunk::Collector::default(), closes), splunk::target, &many(30));
    assert_eq!(run.settle().sent, 30);
    assert_eq!(run.receiver().keys().len(), 30);
}

/// As proxies do: they say 413 after the headers and close, with the body unread on its way.
#[test]
fn an_answer_before_the_body_was_read_is_understood() {
    let collector = Arc::new(Mutex::new(splunk::Collector { largest: 60_000, ..Default::default() }));
    let answers = collector.clone();
    let server = Server::over(
        move |request| answers.lock().unwrap().answer(request),
        |mut stream, serve| {
            if announced(&stream) > 60_000 {
                let _ = stream.write_all(b"HTTP/1.1 413 -\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                return;
            }
            serve(&mut BufReader::new(stream));
        },
    );
    let dir = tempfile::tempdir().unwrap();
    let target = sink(Format::Ecs, splunk::target(&server.url()));
    let mut deliverer = deliverer(dir.path(), target, &many(200));
    wait_for("all to be taken", || (deliverer.drain(None).unwrap().siem[0].waiting == 0).then_some(()));
    let mut keys = collector.lock().unwrap().keys();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), collector.lock().unwrap().keys().len());
    assert!(keys.len() > 100, "{}", keys.len());
}

/// The length of the body that the first headers of a connection tell.
fn announced(stream: &TcpStream) -> usize {
    let mut head = [0; 2048];
    loop {
        let read = stream.peek(&mut head).unwrap_or_default();
        let text = String::from_utf8_lossy(&head[..read]).to_ascii_lowercase();
        if read == 0 || text.contains("\r\n\r\n") {
            let rest = text.split("content-length: ").nth(1).unwrap_or("0");
            return rest.split('\r').next().unwrap().parse().unwrap();
        }
    }
}

#[test]
fn nobody_at_the_address_and_no_such_name_are_told() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for (url, word) in [
        (format!("http://127.0.0.1:{free}"), "cannot connect"),
        ("http://no.such.host.invalid".to_owned(), "resolve"),
    ] {
        for to in [splunk::target, elastic::target, sentinel::target, webhook::target] {
            let mut run = Run::new(splunk::Collector::default(), |_| to(&url), &one());
            let report = run.round();
            assert_eq!((report.sent, report.waiting), (0, 1));
            let error = report.error.unwrap();
            assert!(error.contains(word), "{word} in {error}");
        }
    }
}
