//! `--store` and `[store]`: what is refused, and what happens to facts while a server is away.

use std::fs;

use crate::support::{run, shadowtap};

const CAPTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/pcaps/browser-tcp.pcap");

#[test]
fn an_address_with_a_password_or_a_half_pair_of_files_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("c.toml");
    for (text, said) in [
        ("url = \"clickhouse://u:geheim@h/db\"", "SHADOWTAP_CLICKHOUSE_PASSWORD"),
        ("url = \"http://h\"", "clickhouse://"),
        ("url = \"clickhouse://h?secure=1\"\nclient_key = \"k.pem\"", "belong together"),
        ("url = \"clickhouse://h\"\nca = \"ca.pem\"", "secure=1"),
        ("url = \"clickhouse://h?secure=1\"\nca = \"ca.pem\"", "ca.pem"),
        ("url = \"clickhouse://h\"\npassword_file = \"nowhere\"", "nowhere"),
        ("password = \"geheim\"", "unknown field `password`"),
    ] {
        fs::write(&config, format!("[store]\n{text}\n")).unwrap();
        let mut read = shadowtap();
        read.args(["read", "--data-dir"]).arg(dir.path().join("data")).arg("--config").arg(&config).arg(CAPTURE);
        let ended = run(&mut read);
        assert_eq!(ended.code, 2, "{text}: {}", ended.stderr);
        assert!(ended.stderr.contains(said) && !ended.stderr.contains("geheim"), "{text}: {}", ended.stderr);
    }
}

#[test]
fn facts_wait_for_a_server_that_is_away() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let read = |store: &str| {
        let mut read = shadowtap();
        read.args(["read", "--store", store, "--data-dir"]).arg(&data).arg(CAPTURE);
        run(read.env("SHADOWTAP_CLICKHOUSE_PASSWORD", "geheim"))
    };
    let away = read("clickhouse://writer@127.0.0.1:1/db");
    assert_eq!(away.code, 1, "{}", away.stderr);
    assert!(away.stderr.contains("127.0.0.1:1/db") && !away.stderr.contains("geheim"), "{}", away.stderr);
    assert_eq!(fs::read_dir(data.join("spool/store")).unwrap().count(), 1, "the batch waits");
    let there = read("sqlite");
    assert_eq!(there.code, 0, "{}", there.stderr);
    assert_eq!(fs::read_dir(data.join("spool/store")).unwrap().count(), 0);
}

/// The SQL is that of the files in `ingest/tests/ddl`; database and ages come from the configuration.
#[test]
fn the_printed_sql_follows_the_configuration_and_bad_names_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("c.toml");
    fs::write(&config, "[store]\nurl = \"clickhouse://h/facts\"\nraw_days = 7\nrollup_days = 0\n").unwrap();
    let store = |arguments: &[&str]| {
        let mut store = shadowtap();
        run(store.arg("store").args(arguments).arg("--data-dir").arg(dir.path().join("data")))
    };
    let golden = |name: &str| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/ingest/tests/ddl/");
        fs::read_to_string(format!("{folder}{name}")).unwrap()
    };
    assert_eq!(store(&["schema"]).ok().stdout, golden("plain.sql"));
    assert_eq!(store(&["schema", "--cluster", "{cluster}"]).ok().stdout, golden("cluster.sql"));
    assert_eq!(store(&["grants"]).ok().stdout, golden("grants.sql"));
    assert_eq!(store(&["grants", "--site", "hq", "--site", "O'Hare"]).ok().stdout, golden("grants_site.sql"));
    let own = store(&["schema", "--config", config.to_str().unwrap()]).ok().stdout;
    assert!(
        own.contains("`facts`.flow") && own.contains("toIntervalDay(7)") && !own.contains("toIntervalDay(396)")
    );
    for bad in [
        ["schema", "--cluster", "x' ENGINE = Log --"],
        ["grants", "--reader", "a`b"],
        ["grants", "--writer", ""],
        ["grants", "--site", "a\nb"],
    ] {
        let refused = store(&bad);
        assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{bad:?}");
        assert!(refused.stderr.contains("name"), "{}", refused.stderr);
    }
    assert!(!dir.path().join("data").exists(), "nothing is made");
}
