//! `shadowtap siem`: does each sink take events, what waits for it, and forgetting one that is gone.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::support::{Ran, own, run, shadowtap, skip};
use crate::syslog::{Rsyslog, free_port, wait};

/// An office with these `[[siem]]` blocks.
struct Office(TempDir);

impl Office {
    fn new(sinks: &str) -> Self {
        let office = Self(TempDir::new().unwrap());
        office.configure(sinks);
        office
    }

    fn configure(&self, sinks: &str) {
        let text =
            format!("[site]\nname = \"hq\"\n[sensor]\nname = \"tap7\"\nlocal_nets = [\"10.20.0.0/16\"]\n{sinks}");
        fs::write(self.path("shadowtap.toml"), text).unwrap();
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, args: &[&str]) -> Ran {
        let mut command = shadowtap();
        command.args(args).arg("--config").arg(self.path("shadowtap.toml"));
        run(command.arg("--data-dir").arg(self.path("data")))
    }

    fn read(&self, capture: &Path) -> Ran {
        let policy = own("demo.policy.toml");
        self.run(&["read", capture.to_str().unwrap(), "--policy", policy.to_str().unwrap()]).ok()
    }
}

fn sink(name: &str, port: u16, more: &str) -> String {
    format!("[[siem]]\ntype = \"syslog\"\nname = \"{name}\"\naddress = \"127.0.0.1:{port}\"\n{more}")
}

/// The number in front of ` waiting` in a line of `siem status`.
fn waiting(status: &str, sink: &str) -> u64 {
    let line = status.lines().find(|line| line.starts_with(&format!("{sink}: "))).unwrap();
    line[sink.len() + 2..].split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn a_test_event_reaches_rsyslog_and_a_dead_sink_is_named() {
    let (alive, dead) = (free_port(), free_port());
    let office = Office::new(&(sink("soc", alive, "") + &sink("old", dead, "")));
    let Some(rsyslog) = Rsyslog::start(alive) else {
        skip("rsyslogd is not installed");
        return;
    };
    let both = office.run(&["siem", "test"]);
    assert_eq!(both.code, 1, "{}{}", both.stdout, both.stderr);
    let took = both.stdout.strip_prefix("soc: took the event in ").unwrap().strip_suffix(" ms\n").unwrap();
    assert!(took.parse::<u64>().is_ok(), "{}", both.stdout);
    assert!(both.stderr.contains("old: cannot connect: "), "{}", both.stderr);
    assert!(both.stderr.contains("1 sink did not take the event"), "{}", both.stderr);

    let one = office.run(&["siem", "test", "soc"]).ok();
    assert!(one.stdout.starts_with("soc: took the event in ") && one.stderr.is_empty(), "{}", one.stderr);
    wait(|| rsyslog.received().len() >= 2);
    let events = rsyslog.received();
    assert_eq!(events.len(), 2, "{events:?}");
    for event in &events {
        assert_eq!(event["event"]["dataset"], "shadowtap.test");
        assert_eq!(event["labels"]["test"], "true");
        assert_eq!(event["observer"]["name"], "tap7");
        assert!(event["message"].as_str().unwrap().contains("Nothing was found"));
    }
    assert_ne!(events[0]["event"]["id"], events[1]["event"]["id"]);
}

#[test]
fn what_is_wrong_with_a_sink_is_told_before_anything_goes_out() {
    let nobody = free_port();
    let office = Office::new(&sink("soc", nobody, ""));
    let unknown = office.run(&["siem", "test", "sok"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("no sink is called \"sok\"; there are: soc"), "{}", unknown.stderr);

    office.configure(&sink("soc", nobody, "transport = \"tls\"\nca = \"missing.pem\"\n"));
    let missing = office.run(&["siem", "test"]);
    assert_eq!(missing.code, 2);
    assert!(missing.stderr.contains("missing.pem for TLS"), "{}", missing.stderr);

    office.configure(&sink("soc", nobody, "transport = \"udp\"\n"));
    let udp = office.run(&["siem", "test"]);
    assert_eq!(udp.code, 1);
    assert!(
        udp.stderr.contains(&format!("soc: cannot send: nobody listens on UDP port {nobody}")),
        "{}",
        udp.stderr
    );
}

#[test]
fn a_receiver_without_tls_is_told_from_one_that_is_away() {
    let port = free_port();
    let ca = Path::new(env!("CARGO_MANIFEST_DIR")).join("ingest/tests/siem/tls/ca.pem");
    let office = Office::new(&sink("soc", port, &format!("transport = \"tls\"\nca = \"{}\"\n", ca.display())));
    let Some(_rsyslog) = Rsyslog::start(port) else {
        skip("rsyslogd is not installed");
        return;
    };
    let ran = office.run(&["siem", "test"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("soc: TLS: ") && ran.stderr.contains("does it speak TLS on this port?"),
        "{}",
        ran.stderr
    );
}

#[test]
fn status_counts_what_waits_and_forget_drops_it() {
    let (late, gone) = (free_port(), free_port());
    let office = Office::new(&(sink("late", late, "") + &sink("gone", gone, "")));
    let before = office.run(&["siem", "status"]).ok().stdout;
    assert_eq!(
        before,
        "late: 0 waiting, 0 events about findings taken in 30 days\ngone: 0 waiting, 0 events about findings taken in 30 days\n"
    );

    office.read(&own("office-week.pcap"));
    let down = office.run(&["siem", "status"]).ok().stdout;
    let events = waiting(&down, "late");
    assert!(events > 10 && waiting(&down, "gone") == events, "{down}");

    // The one comes back, the other is taken out of the configuration.
    office.configure(&sink("late", late, ""));
    let Some(rsyslog) = Rsyslog::start(late) else {
        skip("rsyslogd is not installed");
        return;
    };
    office.read(&own("clients-vlan-v6.pcapng"));
    wait(|| rsyslog.received().len() as u64 >= events);
    let up = office.run(&["siem", "status"]).ok().stdout;
    assert_eq!(waiting(&up, "late"), 0, "{up}");
    assert_eq!(waiting(&up, "gone"), events, "{up}");
    assert!(
        up.contains(&format!(
            "late: 0 waiting, {} events about findings taken in 30 days\n",
            rsyslog.received().len()
        )),
        "{up}"
    );
    assert!(up.contains("; not in the configuration: `shadowtap siem forget` drops them"), "{up}");

    let forgotten = office.run(&["siem", "forget", "gone"]).ok().stdout;
    assert_eq!(forgotten, format!("{events} events for gone dropped\n"));
    let after = office.run(&["siem", "status"]).ok().stdout;
    assert!(after.starts_with("late: ") && after.lines().count() == 1, "{after}");
    let again = office.run(&["siem", "forget", "gone"]).ok();
    assert_eq!(again.stdout, "0 events for gone dropped\n");
    assert_eq!(office.run(&["siem", "again", "late"]).ok().stdout, "0 events for late once more waiting\n");
    assert!(again.stderr.contains("nothing is known of a sink \"gone\"; there are: late"), "{}", again.stderr);
}
