//! Devices by their hardware addresses on real captures, and what people write of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Ran, Store, corpus, json, own, run, shadowtap};

/// Captures of the lab; the clients of `span_*` are seen through tags, tunnels and doubled frames.
const LAB: [&str; 14] = [
    "t_tcp",
    "t_quic",
    "t_ech",
    "firefox",
    "sdk",
    "dl",
    "dns",
    "v6",
    "local",
    "span_base",
    "span_dup",
    "span_vlan",
    "span_qinq8100",
    "span_erspan2",
];

#[test]
fn each_client_of_the_lab_is_its_own_device() {
    let Some(captures) = corpus("lab/captures") else { return };
    for capture in LAB {
        let truth = json(&captures.join(format!("{capture}.truth.json")));
        let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
        let of_client = |row: &Value| [text(row, "client_ip"), text(row, "client_mac")];
        let wanted: BTreeSet<_> = truth["sessions"].as_array().unwrap().iter().map(of_client).collect();
        let store = Store::read(&captures.join(format!("{capture}.pcap")), &[]);
        let rows = store.rows("SELECT DISTINCT client_ip, device, ifnull(client_mac, '') FROM flow");
        assert!(!rows.is_empty(), "{capture}");
        for row in rows {
            assert!(wanted.contains(&[row[0].clone(), row[1].clone()]), "{capture}: {row:?}");
            assert_eq!(row[1], row[2], "{capture}");
        }
        let strangers = store.rows(
            "SELECT device FROM device WHERE device NOT IN (SELECT device FROM flow
                                    UNION SELECT device FROM lookup)",
        );
        assert!(strangers.is_empty(), "{capture}: {strangers:?}");
        assert!(store.summary["malformed"]["device-contested"].is_null(), "{capture}");
    }
}

#[test]
fn a_lease_brings_the_name() {
    let Some(captures) = corpus("lab/captures") else { return };
    let store = Store::read(&captures.join("v6.pcap"), &[]);
    let rows = store.rows("SELECT DISTINCT device, host_name, vendor_class, private_mac FROM device");
    assert_eq!(rows, [["02:77:00:00:00:16", "ws-fred", "MSFT 5.0", "1"]]);
    let on = |command: &[&str]| run(shadowtap().args(command).arg("--data-dir").arg(store.dir.path())).ok().stdout;
    let list: Value = serde_json::from_str(&on(&["findings", "list", "--all", "--format", "json"])).unwrap();
    let uid = list["findings"][0]["uid"].as_str().unwrap();
    assert!(on(&["findings", "show", uid]).contains("\ncalled    ws-fred\n"));
}

/// The demo's office with a list of devices beside its configuration.
struct Office {
    dir: TempDir,
}

impl Office {
    fn with(list: &str) -> Self {
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join("assets.csv"), list).unwrap();
        fs::copy(own("demo.policy.toml"), dir.path().join("policy.toml")).unwrap();
        let config = "policy = \"policy.toml\"\n[site]\nassets = \"assets.csv\"\ntime_zone = \"UTC\"\n";
        fs::write(dir.path().join("shadowtap.toml"), config).unwrap();
        Self { dir }
    }

    fn run(&self, args: &[&str], capture: Option<&Path>) -> Ran {
        let mut command = shadowtap();
        command.args(args).args(capture);
        command.arg("--config").arg(self.dir.path().join("shadowtap.toml"));
        run(command.arg("--data-dir").arg(self.dir.path().join("data")))
    }

    fn report(&self) -> Value {
        self.run(&["read"], Some(&own("office-week.pcap"))).ok();
        let out: PathBuf = self.dir.path().join("report");
        self.run(&["report", "--out", out.to_str().unwrap()], None).ok();
        json(&out.join("report.json"))
    }
}

#[test]
fn the_list_names_devices_and_puts_them_into_departments() {
    let list = "match,name,department,owner\n\
                02:20:01:00:00:14,reception,Support,\"Kaya, A.\"\n10.20.1.12,build server,engineering,IT\n";
    let office = Office::with(list);
    let report = office.report();
    let names = report["device_names"].as_array().unwrap();
    let reception = names.iter().find(|one| one["device"] == "02:20:01:00:00:14").unwrap();
    assert_eq!((&reception["name"], &reception["owner"]), (&"reception".into(), &"Kaya, A.".into()));
    let findings = report["findings"].as_array().unwrap();
    let prohibited = findings.iter().find(|one| one["rule"] == "prohibited-use").unwrap();
    let observed = prohibited["observed"].as_str().unwrap();
    assert!(observed.contains("02:20:01:00:00:14") && !observed.contains("Finance"), "{observed}");
    let data = office.run(&["findings", "list", "--all", "--format", "json"], None).ok().stdout;
    assert!(data.contains("\"Support\""), "{data}");
    let shown = office.run(&["findings", "show", prohibited["uid"].as_str().unwrap()], None).ok().stdout;
    assert!(shown.contains("\ncalled    reception, owner Kaya, A.\n"), "{shown}");
}

#[test]
fn a_list_that_is_wrong_names_file_line_and_mend() {
    let office = Office::with("match,name,department,owner\n10.20.1.12,a,b,c\n10.20.1.300,a,b,c\n");
    let ran = office.run(&["report"], None);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("assets.csv:3: ") && ran.stderr.contains("write 10.20.1.7"), "{}", ran.stderr);
    let strange = Office::with("match,name,department,owner\n10.20.1.12,a,Legl,c\n");
    let ran = strange.run(&["read"], Some(&own("office-week.pcap"))).ok();
    assert!(ran.stderr.contains("\"Legl\""), "{}", ran.stderr);
}
