//! Every way in which a hello comes: in the middle of a TCP stream, in odd pieces, on odd ports, and QUIC other than
//! plain. The names are those that the servers' TLS libraries read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde_json::Value;

use crate::support::{Store, json, own, run, shadowtap};

/// Both ends of a connection, the client first, and what was seen there: protocol and name.
type Seen = BTreeMap<[String; 4], Vec<(String, String)>>;

static MIDSTREAM: LazyLock<Capture> = LazyLock::new(|| Capture::new("midstream"));
static QUIC: LazyLock<Capture> = LazyLock::new(|| Capture::new("quic-ways"));

const FROM_THE_START: &[&str] = &["plain.example", "port-25.example"];
#[rustfmt::skip]
const STARTTLS: &[&str] = &[
    "smtp.example", "lmtp.example", "pop3.example", "imap.example", "ftp.example", "nntp.example", "sieve.example",
    "irc.example", "xmpp.example", "mysql.example", "postgres.example", "ldap.example", "telnet.example",
];
const AFTER_A_PREAMBLE: &[&str] = &["rdp.example", "amqp.example", "vnc.example", "balanced.example"];
const CONNECT: &[&str] = &["api.openai.com", "api.x.ai", "asks-who.example"];
const CONNECT_WITHOUT_TLS: &[&str] = &["api.deepseek.com", "git.example"];
const SOCKS: &[&str] = &["chatgpt.com", "api.mistral.ai", "socks-user.example"];
const ODD_HELLO: &[&str] = &["again.example", "large-16k.example", "large-60k.example", "records.example"];
const HELLO_AS_A_FILE: &[&str] = &["upload.example"];
const SEGMENT_SHARED: &[&str] = &["api.anthropic.com", "api.groq.com", "api.cohere.com", "tds.example"];
const TINY_SEGMENTS: &[&str] = &["claude.ai"];
const BYTE_BY_BYTE: &[&str] = &["www.perplexity.ai", "bytes-in-tunnel.example"];
const SEVERAL_HOSTS: &[&str] = &["first.example"];
const TLS_ON_53: &[&str] = &["port-53.example"];

const VERSIONS: &[&str] = &["plain.example", "chatgpt.com", "compatible.example", "unknown-version.example"];
const HANDSHAKES: &[&str] = &["claude.ai", "retry-v2.example", "early.example", "www.perplexity.ai"];
const LARGE: &[&str] = &["two-initials.example", "gemini.google.com"];
const ONE_PORT: &[&str] = &["one-port-a.example", "one-port-b.example", "copilot.microsoft.com"];
const REBINDING: &[&str] = &["api.openai.com", "api.anthropic.com"];
const MIGRATION: &[&str] = &["api.mistral.ai"];
const ODD_PORTS: &[&str] = &["port-8443.example"];
const PORTS_OF_OTHERS: &[&str] = &["port-123.example", "port-53.example"];

#[test]
fn each_connection_has_its_test() {
    #[rustfmt::skip]
    let midstream = [
        FROM_THE_START, STARTTLS, AFTER_A_PREAMBLE, CONNECT, CONNECT_WITHOUT_TLS, SOCKS, ODD_HELLO, HELLO_AS_A_FILE,
        SEGMENT_SHARED, TINY_SEGMENTS, BYTE_BY_BYTE, SEVERAL_HOSTS, TLS_ON_53,
    ];
    let quic = [VERSIONS, HANDSHAKES, LARGE, ONE_PORT, REBINDING, MIGRATION, ODD_PORTS, PORTS_OF_OTHERS];
    for (capture, groups) in [(&*MIDSTREAM, &midstream[..]), (&*QUIC, &quic)] {
        let tested: BTreeSet<_> = groups.concat().into_iter().collect();
        let wanted: BTreeSet<_> = capture.connections().map(|row| row["name"].as_str().unwrap()).collect();
        assert_eq!(tested, wanted, "{}", capture.name);
    }
}

#[test]
fn no_name_is_seen_that_no_server_read() {
    for capture in [&*MIDSTREAM, &*QUIC] {
        let mut allowed: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for row in capture.connections() {
            let here = allowed.entry(ends(row, "client", "server")).or_default();
            here.extend(names(row));
            // A proxy is asked in clear before the hello comes.
            here.extend(row["connect"].as_str().map(|host| ("http".to_owned(), host.to_owned())));
        }
        for (ends, seen) in &capture.seen {
            for name in seen {
                let right = allowed.get(ends).and_then(|here| here.iter().position(|allowed| allowed == name));
                let Some(at) = right else { panic!("{}: {name:?} of {ends:?}", capture.name) };
                // Each connection says its name once, however often the hello was sent.
                allowed.get_mut(ends).unwrap().swap_remove(at);
            }
        }
    }
}

#[test]
fn a_hello_at_the_start_or_after_starttls() {
    MIDSTREAM.finds(FROM_THE_START);
    MIDSTREAM.finds(STARTTLS);
}

#[test]
fn a_hello_after_what_another_protocol_says_first() {
    MIDSTREAM.finds(AFTER_A_PREAMBLE);
}

#[test]
fn a_hello_in_a_tunnel() {
    MIDSTREAM.finds(CONNECT);
    MIDSTREAM.finds(CONNECT_WITHOUT_TLS);
    MIDSTREAM.finds(SOCKS);
}

#[test]
fn hellos_of_odd_make() {
    MIDSTREAM.finds(ODD_HELLO);
}

#[test]
fn a_hello_that_is_a_file_names_nothing() {
    MIDSTREAM.finds(HELLO_AS_A_FILE);
    assert!(MIDSTREAM.seen.values().flatten().all(|(_, name)| name != "in-a-file.example"));
}

#[test]
fn a_tunnel_without_tls_is_called_after_its_host() {
    MIDSTREAM.flows_are_named(CONNECT_WITHOUT_TLS);
    let tunnel = MIDSTREAM.connection("api.deepseek.com");
    let service = MIDSTREAM.flows(&tunnel["client_port"], "service, sum(bytes_up) >= 3040");
    assert_eq!(service, [["deepseek", "1"]], "ten messages of 304 bytes");
}

#[test]
fn ai_connections_are_flows_and_others_are_not() {
    for group in [FROM_THE_START, STARTTLS, AFTER_A_PREAMBLE, CONNECT, SOCKS, ODD_HELLO, HELLO_AS_A_FILE] {
        MIDSTREAM.flows_are_named(group);
    }
    for group in [VERSIONS, HANDSHAKES, LARGE, REBINDING, MIGRATION, ODD_PORTS] {
        QUIC.flows_are_named(group);
    }
}

#[test]
fn a_hello_that_shares_its_first_segment() {
    MIDSTREAM.finds(SEGMENT_SHARED);
    MIDSTREAM.flows_are_named(SEGMENT_SHARED);
}

#[test]
fn a_hello_whose_first_segment_is_tiny() {
    MIDSTREAM.finds(TINY_SEGMENTS);
    MIDSTREAM.flows_are_named(TINY_SEGMENTS);
}

#[test]
fn a_hello_byte_by_byte() {
    MIDSTREAM.finds(BYTE_BY_BYTE);
    MIDSTREAM.flows_are_named(BYTE_BY_BYTE);
}

/// One connection to a proxy: three requests, the third for an AI service.
#[test]
fn each_host_of_a_plain_connection() {
    MIDSTREAM.finds(SEVERAL_HOSTS);
    let hosts = MIDSTREAM.flows(&MIDSTREAM.connection("first.example")["client_port"], "DISTINCT host, service");
    assert_eq!(hosts, [["chat.deepseek.com", "deepseek"]]);
}

#[test]
fn tls_on_the_port_of_dns() {
    MIDSTREAM.finds(TLS_ON_53);
}

#[test]
fn quic_in_each_version_and_after_each_detour() {
    QUIC.finds(VERSIONS);
    QUIC.finds(HANDSHAKES);
    QUIC.finds(LARGE);
    QUIC.finds(ODD_PORTS);
    // Of a port that was used three times the first is known.
    QUIC.finds(&ONE_PORT[..1]);
}

#[test]
fn quic_thrice_on_one_port() {
    QUIC.finds(ONE_PORT);
    let hosts = QUIC.flows(&QUIC.connection("copilot.microsoft.com")["client_port"], "DISTINCT host");
    assert_eq!(hosts, [["copilot.microsoft.com"]]);
}

#[test]
fn quic_on_the_ports_of_others() {
    QUIC.finds(PORTS_OF_OTHERS);
}

/// A client behind a NAT that gave it another port: the connection id is the one that the hello's flow had.
#[test]
fn quic_that_got_another_port_keeps_its_service() {
    QUIC.finds(REBINDING);
    for name in REBINDING {
        let row = QUIC.connection(name);
        assert_eq!(row["moved"]["same_id"], true);
        let what = "host, service, evidence, protocol, sum(bytes_up) >= 6000";
        let before = QUIC.flows(&row["client_port"], what);
        assert_eq!(before[0][0], *name);
        assert_eq!(QUIC.flows(&row["moved"]["client_port"], what), before, "four requests of 1500 bytes each");
    }
}

/// Nothing on the wire connects the two: RFC 9000 section 9.5 wants it so.
#[test]
fn quic_that_migrates_has_no_name_any_more() {
    QUIC.finds(MIGRATION);
    let row = QUIC.connection("api.mistral.ai");
    assert_eq!(row["moved"]["same_id"], false);
    assert_eq!(QUIC.flows(&row["client_port"], "DISTINCT host"), [["api.mistral.ai"]]);
    assert!(QUIC.flows(&row["moved"]["client_port"], "DISTINCT host").is_empty());
}

/// A capture, its truth, the names that `inspect` gives and the flows that `read` gives.
struct Capture {
    name: &'static str,
    truth: Value,
    seen: Seen,
    store: Store,
}

impl Capture {
    fn new(name: &'static str) -> Self {
        let capture = own(&format!("{name}.pcap"));
        let mut seen = Seen::new();
        for line in run(shadowtap().args(["inspect", "--format", "ndjson"]).arg(&capture)).ok().lines() {
            seen.entry(ends(&line, "src", "dst")).or_default().extend(names(&line));
        }
        Self { name, truth: json(&own(&format!("{name}.truth.json"))), seen, store: Store::read(&capture, &[]) }
    }

    fn connections(&self) -> impl Iterator<Item = &Value> {
        self.truth["connections"].as_array().unwrap().iter()
    }

    fn connection(&self, name: &str) -> &Value {
        self.connections().find(|row| row["name"] == name).unwrap()
    }

    /// Each connection of these names is seen under all its names, from the client's side.
    fn finds(&self, group: &[&str]) {
        let mut missing = Vec::new();
        for row in self.connections().filter(|row| group.contains(&row["name"].as_str().unwrap())) {
            let seen = self.seen.get(&ends(row, "client", "server"));
            let lost = names(row).into_iter().filter(|name| !seen.is_some_and(|seen| seen.contains(name)));
            missing.extend(lost.map(|name| format!("{name:?}: {}; seen: {seen:?}", row["note"])));
        }
        assert!(missing.is_empty(), "{}: {missing:#?}", self.name);
    }

    /// The store's flows of these connections have the names of the truth where they are AI services, and there are
    /// none where they are not.
    fn flows_are_named(&self, group: &[&str]) {
        for row in self.connections().filter(|row| group.contains(&row["name"].as_str().unwrap())) {
            let name = row["name"].as_str().unwrap();
            let hosts = self.flows(&row["client_port"], "DISTINCT host");
            let wanted: &[[&str; 1]] = if name.ends_with(".example") { &[] } else { &[[name]] };
            assert_eq!(hosts, wanted, "{}: {}", self.name, row["note"]);
        }
    }

    /// What the records of a client port say together.
    fn flows(&self, port: &Value, what: &str) -> Vec<Vec<String>> {
        let group = if what.starts_with("DISTINCT") { "" } else { "GROUP BY flow_id" };
        self.store.rows(&format!("SELECT {what} FROM flow WHERE client_port = {port} {group}"))
    }
}

/// Address and port of the side that is called `client`, then of the other.
fn ends(row: &Value, client: &str, server: &str) -> [String; 4] {
    [(client, "ip"), (client, "port"), (server, "ip"), (server, "port")]
        .map(|(side, what)| row[format!("{side}_{what}")].to_string().replace('"', ""))
}

/// Protocol and names of a row of the truth, or of a line of `inspect`.
fn names(row: &Value) -> Vec<(String, String)> {
    let protocol = row["proto"].as_str().unwrap();
    let names = row["names"].as_array().map_or_else(|| vec![&row["name"]], |names| names.iter().collect());
    names.iter().map(|name| (protocol.to_owned(), name.as_str().unwrap_or_default().to_owned())).collect()
}
