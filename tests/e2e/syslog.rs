//! Findings on their way to a real rsyslog, which `siem.rs` uses too.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{own, run, shadowtap, skip};

/// An rsyslogd on loopback that writes each message's text into a file.
pub(crate) struct Rsyslog {
    child: Child,
    dir: TempDir,
    port: u16,
}

impl Rsyslog {
    pub(crate) fn start(port: u16) -> Option<Self> {
        let dir = TempDir::new().unwrap();
        let received = dir.path().join("received");
        let config = format!(
            "module(load=\"imtcp\")\n\
             template(name=\"text\" type=\"string\" string=\"%msg%\\n\")\n\
             input(type=\"imtcp\" address=\"127.0.0.1\" port=\"{port}\")\n\
             action(type=\"omfile\" file=\"{}\" template=\"text\")\n\
             global(workDirectory=\"{}\" maxMessageSize=\"64k\")\n",
            received.display(),
            dir.path().display(),
        );
        fs::write(dir.path().join("rsyslog.conf"), config).unwrap();
        let mut command = Command::new("rsyslogd");
        command.arg("-n").arg("-f").arg(dir.path().join("rsyslog.conf")).arg("-i").arg(dir.path().join("pid"));
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
        let rsyslog = Self { child, dir, port };
        wait(|| TcpStream::connect(("127.0.0.1", rsyslog.port)).is_ok());
        Some(rsyslog)
    }

    pub(crate) fn received(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.dir.path().join("received")).unwrap_or_default();
        text.lines()
            .filter_map(|line| serde_json::from_str(line.trim_start_matches('\u{feff}').trim()).ok())
            .collect()
    }
}

impl Drop for Rsyslog {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn wait(mut until: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !until() && Instant::now() < end {
        thread::sleep(Duration::from_millis(50));
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn a_finding_reaches_rsyslog_even_when_it_was_down_at_first() {
    let (dir, port) = (TempDir::new().unwrap(), free_port());
    let config = dir.path().join("shadowtap.toml");
    let text = format!(
        "[site]\nname = \"hq\"\n[sensor]\nlocal_nets = [\"10.20.0.0/16\"]\n[[siem]]\ntype = \"syslog\"\naddress = \"127.0.0.1:{port}\"\n"
    );
    fs::write(&config, text).unwrap();
    let read = |capture: &str| {
        let mut command = shadowtap();
        command
            .arg("read")
            .arg(own(capture))
            .arg("--config")
            .arg(&config)
            .arg("--data-dir")
            .arg(dir.path().join("data"));
        run(command.arg("--policy").arg(own("demo.policy.toml"))).ok()
    };
    let down = read("office-week.pcap");
    assert!(down.stderr.contains("events wait for the SIEM"), "{}", down.stderr);
    let Some(rsyslog) = Rsyslog::start(port) else {
        skip("rsyslogd is not installed");
        return;
    };
    // A capture without findings: the events that waited go out with it.
    let up = read("clients-vlan-v6.pcapng");
    assert!(!up.stderr.contains("wait for the SIEM"), "{}", up.stderr);
    let prohibited = |events: &[Value]| {
        events.iter().filter(|e| e["rule"]["id"] == "prohibited-use").cloned().collect::<Vec<_>>()
    };
    wait(|| prohibited(&rsyslog.received()).len() >= 2);
    let events = prohibited(&rsyslog.received());
    // Its clock ran out within the week, and nobody had taken it on: a second event of the same finding.
    let [event, missed] = &events[..] else { panic!("{events:?}") };
    assert_eq!((&event["event"]["action"], &event["labels"]["deadline"]), (&"create".into(), &"running".into()));
    assert_eq!((&missed["event"]["action"], &missed["labels"]["deadline"]), (&"update".into(), &"missed".into()));
    assert_eq!(missed["event"]["id"], event["event"]["id"]);
    assert_eq!((&event["labels"]["revision"], &missed["labels"]["revision"]), (&"1".into(), &"2".into()));
    assert_eq!(event["source"]["ip"], "10.20.1.14");
    assert_eq!(event["destination"]["domain"], "chat.deepseek.com");
    assert_eq!(event["event"]["kind"], "alert");
    // Reading again is no news.
    let before = rsyslog.received().len();
    read("office-week.pcap");
    thread::sleep(Duration::from_millis(300));
    assert_eq!(rsyslog.received().len(), before);
}
