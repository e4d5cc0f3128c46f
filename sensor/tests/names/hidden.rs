//! Flows whose hello hides the name or has none: what the client's own DNS answers allow, and nothing more.

use sensor::record::Ech;

use crate::bench::{A, Bench, HTTPS, SECOND, Seen};
use crate::wire::{ACK, End, RESOLVER, SYN, answer, hello, https, query, tcp, udp};

const DNS: End = ([10, 0, 0, 7], 40_000);
const CLIENT: End = ([10, 0, 0, 7], 50_000);
const SERVER: End = ([198, 51, 100, 30], 443);
const COVER: &str = "cloudflare-ech.com";
const NONE: (&str, &str) = ("", "");

fn verdict(seen: &Seen) -> (String, String) {
    let (evidence, host, _) = seen.verdict();
    (evidence, host)
}

/// What comes of a connection to the server after `before`.
fn after(before: impl FnOnce(&mut Bench), sni: Option<&str>, ech: bool) -> Seen {
    let mut bench = Bench::new();
    before(&mut bench);
    bench.connect(10 * SECOND, CLIENT, SERVER, sni, ech);
    bench.done()
}

fn assert_verdict(seen: &Seen, wanted: (&str, &str), why: &str) {
    let (evidence, host) = verdict(seen);
    assert_eq!((evidence.as_str(), host.as_str()), wanted, "{why}");
}

#[test]
fn one_name_is_a_verdict_several_are_ambiguous_and_none_is_hidden() {
    let ask = |names: &'static [&'static str]| {
        move |bench: &mut Bench| names.iter().for_each(|name| bench.told(0, DNS, name, SERVER.0, 60))
    };
    for (sni, ech) in [(None, false), (Some(COVER), true)] {
        assert_verdict(&after(ask(&["poe.com"]), sni, ech), ("dns", "poe.com"), "one");
        let several = after(ask(&["poe.com", "news.example"]), sni, ech);
        assert_eq!(
            several.verdict(),
            ("ambiguous".into(), "".into(), vec!["news.example".into(), "poe.com".into()])
        );
        let none = after(ask(&[]), sni, ech);
        assert_verdict(&none, NONE, "none");
        assert_eq!(none.methods[if ech { "ech-real" } else { "none" }], 1);
    }
    let other = |bench: &mut Bench| bench.told(0, ([10, 0, 0, 8], 40_000), "poe.com", SERVER.0, 60);
    assert_verdict(&after(other, Some(COVER), true), NONE, "another client's");
}

#[test]
fn hints_and_aliases_name_what_was_asked_for() {
    let hint = |bench: &mut Bench| {
        let record = (HTTPS, 60, https(&[SERVER.0], Some(COVER)));
        bench.frame(0, &udp(RESOLVER, DNS, &answer(7, "poe.com", HTTPS, &[record])));
    };
    assert_verdict(&after(hint, Some(COVER), true), ("dns", "poe.com"), "a hint");
    let alias = |bench: &mut Bench| {
        let alias = (5, 60, crate::wire::labels("edge.cdn.test"));
        let records = [alias, (A, 60, SERVER.0.to_vec())];
        bench.frame(0, &udp(RESOLVER, DNS, &answer(7, "poe.com", A, &records)));
    };
    assert_verdict(&after(alias, Some(COVER), true), ("dns", "poe.com"), "an alias");
    let failed = |bench: &mut Bench| {
        let mut bytes = answer(7, "poe.com", A, &[(A, 60, SERVER.0.to_vec())]);
        bytes[3] |= 3;
        bench.frame(0, &udp(RESOLVER, DNS, &bytes));
    };
    assert_verdict(&after(failed, Some(COVER), true), NONE, "no such name");
}

/// Protocols of a wrong length: the configuration behind them is read, and the record is counted.
#[test]
fn a_broken_part_of_a_record_loses_no_other_and_is_counted() {
    let mut data = https(&[SERVER.0], Some(COVER));
    let protocols = data.windows(3).position(|part| part == b"\x02h2").unwrap();
    data[protocols] = 200;
    let told = |bench: &mut Bench| {
        bench.frame(0, &udp(DNS, RESOLVER, &query(7, "poe.com", HTTPS)));
        bench.frame(1, &udp(RESOLVER, DNS, &answer(7, "poe.com", HTTPS, &[(HTTPS, 60, data.clone())])));
    };
    let seen = after(told, Some(COVER), true);
    assert_verdict(&seen, ("dns", "poe.com"), "");
    assert_eq!((seen.malformed["https-record"], seen.asked()), (1, vec!["poe.com"]));
}

#[test]
fn an_answer_that_is_seen_late_counts_and_a_later_one_does_not() {
    for (late, wanted) in [(SECOND / 2, ("dns", "poe.com")), (2 * SECOND, NONE)] {
        let mut bench = Bench::new();
        bench.connect(10 * SECOND, CLIENT, SERVER, Some(COVER), true);
        bench.told(10 * SECOND + late, DNS, "poe.com", SERVER.0, 60);
        bench.frame(20 * SECOND, &tcp(CLIENT, SERVER, 1000, ACK, &[1; 100]));
        assert_verdict(&bench.done(), wanted, "");
    }
    let mut bench = Bench::new();
    bench.told(0, DNS, "poe.com", SERVER.0, 60);
    bench.connect(10 * SECOND, CLIENT, SERVER, Some(COVER), true);
    bench.told(10 * SECOND + 500, DNS, "news.example", SERVER.0, 60);
    assert_verdict(&bench.done(), ("ambiguous", ""), "a second name is seen late");
}

#[test]
fn a_claim_ends_five_minutes_after_its_ttl() {
    for (age, wanted) in [(359, ("dns", "poe.com")), (361, NONE)] {
        let mut bench = Bench::new();
        bench.told(0, DNS, "poe.com", SERVER.0, 60);
        for second in 1..age {
            // Time goes on.
            bench.frame(second * SECOND, &udp(([10, 0, 0, 99], 1000), ([10, 0, 0, 98], 1001), b"x"));
        }
        bench.connect(age * SECOND, CLIENT, SERVER, None, false);
        assert_verdict(&bench.done(), wanted, "");
    }
}

/// What is sent while the name is open is counted, and the record comes once it is decided.
#[test]
fn nothing_is_lost_while_a_flow_waits() {
    let mut bench = Bench::new();
    bench.told(0, DNS, "poe.com", SERVER.0, 60);
    bench.connect(SECOND, CLIENT, SERVER, Some(COVER), true);
    let sent = hello(Some(COVER), true).len() as u32;
    bench.frame(SECOND + 100, &tcp(CLIENT, SERVER, 100 + sent, ACK, &[1; 1000]));
    assert!(bench.seen.flows.is_empty(), "not yet");
    bench.frame(3 * SECOND, &udp(([10, 0, 0, 99], 1000), ([10, 0, 0, 98], 1001), b"x"));
    assert_eq!(bench.seen.flows.len(), 1, "another flow's packet lets the time pass");
    bench.frame(4 * SECOND, &tcp(CLIENT, SERVER, 1100 + sent, ACK, &[1; 1000]));
    let seen = bench.done();
    let upload: u64 = seen.flows.iter().map(|flow| flow.upload_bytes).sum();
    let up: u64 = seen.flows.iter().map(|flow| flow.bytes_up).sum();
    assert_eq!((upload, up), (2000, 2000 + u64::from(sent)));
}

#[test]
fn a_public_name_is_learned_from_anyone_on_the_wire() {
    let learned = |bench: &mut Bench| {
        bench.told_https(0, ([10, 0, 0, 8], 40_000), "chat.test", Some("cover.example"));
        bench.told(SECOND, DNS, "poe.com", SERVER.0, 60);
    };
    let seen = after(learned, Some("cover.example"), true);
    assert_eq!(seen.hellos, [("cover.example".to_owned(), Ech::Real)]);
    assert_verdict(&seen, ("dns", "poe.com"), "");
    let unknown = after(|_| (), Some("cover.example"), true);
    assert_eq!(unknown.hellos, [("cover.example".to_owned(), Ech::Grease)]);
    let without = after(learned, Some("cover.example"), false);
    assert_eq!(without.hellos, [("cover.example".to_owned(), Ech::None)], "no extension, nothing hidden");
}

/// What one answer says must not hide what others do.
#[test]
fn a_learned_name_hides_neither_itself_nor_an_ai_service() {
    let own = |bench: &mut Bench| {
        bench.told_https(0, DNS, "site.test", Some("site.test"));
        bench.told_https(0, DNS, "www.site.test", Some("site.test"));
    };
    assert_eq!(after(own, Some("site.test"), true).hellos[0].1, Ech::Grease, "a site in front of itself");
    let hostile = |bench: &mut Bench| bench.told_https(0, ([10, 0, 0, 8], 40_000), "evil.test", Some("claude.ai"));
    assert_verdict(&after(hostile, Some("claude.ai"), true), ("sni", "claude.ai"), "a name of the catalogue");
    let asked = |bench: &mut Bench| {
        bench.told_https(0, ([10, 0, 0, 8], 40_000), "evil.test", Some("news.test"));
        bench.told(0, DNS, "news.test", SERVER.0, 60);
    };
    assert_eq!(after(asked, Some("news.test"), true).hellos[0].1, Ech::Grease, "the client asked for it");
    let both = |bench: &mut Bench| {
        asked(bench);
        bench.told(0, DNS, "poe.com", SERVER.0, 60);
        bench.told_https(0, DNS, "poe.com", Some("news.test"));
    };
    assert_eq!(after(both, Some("news.test"), true).hellos[0].1, Ech::Real, "and for one that it may hide");
}

#[test]
fn a_hidden_name_has_a_configuration_with_the_outer_name() {
    let ask = |configs: &'static [(&'static str, Option<&'static str>)], plain: &'static [&'static str]| {
        move |bench: &mut Bench| {
            for &(name, public) in configs {
                bench.told_https(0, DNS, name, public);
                bench.told(0, DNS, name, SERVER.0, 60);
            }
            plain.iter().for_each(|name| bench.told(0, DNS, name, SERVER.0, 60));
        }
    };
    let hidden = |before| after(before, Some(COVER), true);
    let one = hidden(ask(&[("poe.com", Some(COVER)), ("news.example", None)], &["plain.example"]));
    assert_verdict(&one, ("dns", "poe.com"), "the others cannot be it");
    let two = hidden(ask(&[("poe.com", Some(COVER)), ("news.example", Some(COVER))], &[]));
    assert_verdict(&two, ("ambiguous", ""), "each can be it");
    let never = hidden(ask(&[("poe.com", None)], &[]));
    assert_verdict(&never, NONE, "without a configuration it cannot be hidden");
    let other = hidden(ask(&[("poe.com", Some("cover.example"))], &[]));
    assert_verdict(&other, NONE, "another outer name");
}

#[test]
fn without_an_encrypted_hello_configurations_say_nothing() {
    let before = |bench: &mut Bench| {
        for (name, public) in [("poe.com", Some(COVER)), ("news.example", None)] {
            bench.told_https(0, DNS, name, public);
            bench.told(0, DNS, name, SERVER.0, 60);
        }
    };
    assert_verdict(&after(before, None, false), ("ambiguous", ""), "");
}

/// A flow that is given up when the capture ends, and then waits for DNS, has no time for it.
#[test]
fn a_flow_that_ends_waits_no_longer() {
    let mut bench = Bench::new();
    bench.told(0, DNS, "poe.com", SERVER.0, 60);
    let time = 10 * SECOND;
    bench.frame(time, &tcp(CLIENT, SERVER, 9, SYN, b""));
    bench.frame(time + 1, &tcp(SERVER, CLIENT, 9, SYN | ACK, b""));
    bench.frame(time + 2, &tcp(CLIENT, SERVER, 10, ACK, b"CONNECT  HTTP/1.1\r\n\r\n"));
    bench.frame(time + 3, &tcp(SERVER, CLIENT, 10, ACK, b"HTTP/1.1 400 Bad Request\r\n\r\n"));
    assert_verdict(&bench.done(), ("dns", "poe.com"), "it is decided");
}
