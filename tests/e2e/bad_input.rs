//! Whatever is wrong with the input: a clear error or a counted loss, the documented exit code, nothing half-written.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::support::{Ran, Store, json, own, run, shadowtap, skip};

fn file(dir: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.path().join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn read(path: &Path) -> Ran {
    let data = TempDir::new().unwrap();
    run(shadowtap().arg("read").arg(path).arg("--data-dir").arg(data.path()))
}

#[track_caller]
fn fails(ran: &Ran, code: i32, words: &[&str]) {
    assert_eq!(ran.code, code, "{}", ran.stderr);
    for word in words {
        assert!(ran.stderr.contains(word), "{word:?} in {:?}", ran.stderr);
    }
}

#[test]
fn files_that_are_no_capture() {
    let dir = TempDir::new().unwrap();
    let header = &fs::read(own("browser-tcp.pcap")).unwrap()[..24];
    let link = [&header[..20], &147_u32.to_le_bytes()].concat();
    let cases: [(PathBuf, &[&str]); 7] = [
        (dir.path().join("none.pcap"), &["none.pcap", "No such file"]),
        (file(&dir, "empty.pcap", b""), &["empty.pcap is empty"]),
        (file(&dir, "short.pcap", b"\xd4\xc3"), &["short.pcap is not a pcap or pcapng"]),
        (file(&dir, "text.pcap", &b"to whom it may concern\n".repeat(9)), &["looks like text"]),
        (file(&dir, "zip.pcap", b"\x1f\x8b\x08\x00rest"), &["gzip", "decompress"]),
        (file(&dir, "link.pcap", &link), &["link type 147"]),
        (dir.path().to_path_buf(), &["is a directory"]),
    ];
    for (path, words) in cases {
        fails(&read(&path), 1, words);
        fails(&run(shadowtap().arg("inspect").arg(&path)), 1, words);
    }
}

#[test]
fn one_bad_file_does_not_hide_the_others() {
    let dir = TempDir::new().unwrap();
    let ran = run(shadowtap().args(["inspect", "--format", "ndjson"]).arg(dir.path()).arg(own("browser-tcp.pcap")));
    fails(&ran, 1, &["is a directory"]);
    assert_eq!(ran.lines().len(), 79);
}

#[test]
fn a_header_without_packets_is_an_empty_capture() {
    let dir = TempDir::new().unwrap();
    let header = &fs::read(own("browser-tcp.pcap")).unwrap()[..24];
    let store = Store::read(&file(&dir, "header.pcap", header), &[]);
    assert_eq!((store.summary["packets"].as_u64(), store.summary["losses"]["file"].as_u64()), (Some(0), Some(0)));
}

#[test]
fn a_truncated_capture_is_read_as_far_as_it_goes() {
    let dir = TempDir::new().unwrap();
    for name in ["browser-tcp.pcap", "clients-vlan-v6.pcapng"] {
        let whole = fs::read(own(name)).unwrap();
        let cut = file(&dir, name, &whole[..whole.len() / 2]);
        let ran = run(shadowtap().arg("read").arg(&cut).arg("--data-dir").arg(dir.path().join("data"))).ok();
        assert!(ran.stderr.contains("ends in the middle of a packet"), "{}", ran.stderr);
        assert!(ran.stdout.contains("1 capture not read to the end"), "{}", ran.stdout);
        let strict = ["--fail-on", "losses", "--data-dir"];
        fails(&run(shadowtap().arg("read").arg(&cut).args(strict).arg(dir.path().join("strict"))), 3, &["middle"]);
    }
}

#[test]
fn a_damaged_capture_is_read_up_to_the_damage() {
    let dir = TempDir::new().unwrap();
    let mut bytes = fs::read(own("browser-tcp.pcap")).unwrap();
    let (first, end) = (24, bytes.len());
    bytes[first + 8..first + 12].copy_from_slice(&u32::MAX.to_le_bytes());
    let store = Store::read(&file(&dir, "damaged.pcap", &bytes[..end]), &[]);
    assert_eq!((store.summary["packets"].as_u64(), store.summary["losses"]["file"].as_u64()), (Some(0), Some(1)));
}

#[test]
fn a_capture_truncated_anywhere_never_panics() {
    let dir = TempDir::new().unwrap();
    for name in ["browser-quic.pcap", "clients-vlan-v6.pcapng"] {
        let whole = fs::read(own(name)).unwrap();
        for end in (0..3000).step_by(97) {
            let ran = run(shadowtap().args(["inspect", "--flows"]).arg(file(&dir, name, &whole[..end])));
            assert!(ran.code <= 1, "{end}: {}", ran.stderr);
        }
    }
}

#[test]
fn a_pipe_that_ends_early() {
    let whole = fs::read(own("browser-tcp.pcap")).unwrap();
    let dir = TempDir::new().unwrap();
    let part = file(&dir, "part", &whole[..100_000]);
    let command =
        format!("cat {} | {} inspect --format ndjson /dev/stdin", part.display(), env!("CARGO_BIN_EXE_shadowtap"));
    let ran = run(Command::new("sh").args(["-c", &command])).ok();
    assert!(ran.stderr.contains("/dev/stdin ends in the middle of a packet"), "{}", ran.stderr);
    assert!(!ran.lines().is_empty());
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = shadowtap();
    child.args(["inspect", "--flows", "--format", "ndjson"]).arg(own("office-week.pcap"));
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

#[test]
fn a_full_standard_output_is_an_error() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = shadowtap();
    command.args(["inspect", "--format", "ndjson"]).arg(own("office-week.pcap")).stdout(full);
    let output = command.stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("cannot write to standard output"));
}

#[test]
fn a_full_disk_keeps_the_store_whole() {
    let dir = TempDir::new().unwrap();
    let small = dir.path().join("small");
    fs::create_dir(&small).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=200k", "tmpfs"]).arg(&small).status();
    if !mounted.is_ok_and(|status| status.success()) {
        skip("a small file system cannot be mounted here");
        return;
    }
    let capture = own("office-week.pcap");
    let ran = run(shadowtap().arg("read").arg(&capture).arg("--data-dir").arg(small.join("data")));
    let integrity = fs::read_dir(small.join("data")).is_ok();
    let unmounted = Command::new("umount").arg("-l").arg(&small).status().unwrap();
    assert!(unmounted.success() && integrity);
    assert_eq!(ran.code, 1, "{}\n{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("No space left") || ran.stderr.contains("full"), "{}", ran.stderr);
}

#[test]
fn an_unwritable_place_is_named() {
    let dir = TempDir::new().unwrap();
    let blocked = file(&dir, "a-file", b"");
    let capture = own("browser-tcp.pcap");
    let ran = run(shadowtap().arg("read").arg(&capture).arg("--data-dir").arg(blocked.join("data")));
    fails(&ran, 1, &["a-file/data", "--data-dir"]);
    let ran = run(shadowtap()
        .arg("read")
        .arg(&capture)
        .arg("--data-dir")
        .arg(dir.path().join("d"))
        .arg("--report")
        .arg(&blocked));
    fails(&ran, 1, &["a-file"]);
    let ran = run(shadowtap()
        .arg("read")
        .arg(&capture)
        .arg("--data-dir")
        .arg(dir.path().join("d"))
        .arg("--summary")
        .arg(blocked.join("s.json")));
    fails(&ran, 1, &["cannot write the summary"]);
}

#[test]
fn a_corrupt_store_is_refused_and_left_alone() {
    let store = Store::read(&own("browser-tcp.pcap"), &[]);
    let db = store.dir.path().join("shadowtap.db");
    let rubbish = b"this is no database, but somebody may still need it".repeat(100);
    fs::write(&db, &rubbish).unwrap();
    for command in ["read", "report"] {
        let mut args = shadowtap();
        args.arg(command).arg("--data-dir").arg(store.dir.path());
        if command == "read" {
            args.arg(own("browser-tcp.pcap"));
        }
        fails(&run(&mut args), 1, &["shadowtap.db"]);
        assert_eq!(fs::read(&db).unwrap(), rubbish);
    }
}

#[test]
fn a_spool_from_before_a_crash_is_taken_up() {
    let dir = TempDir::new().unwrap();
    let store = Store::read(&own("browser-tcp.pcap"), &[]);
    let rows = store.rows("SELECT count(*) FROM flow");
    // A sensor that died while it wrote: a whole line and half of another in the open segment.
    let open = dir.path().join("spool/open");
    fs::create_dir_all(&open).unwrap();
    let minute = r#"{"record":"minute","sensor":"s","site":"office","source":"x","minute":0,"frames":1,"bytes":60,"methods":{},"not_flow":{"arp":{"flows":0,"frames":1,"bytes":60}},"malformed":{},"drops":{},"one_way_flows":0,"late_flows":0,"dns_questions":0}"#;
    fs::write(open.join("0000000000000001-000000.ndjson"), format!("{minute}\n{}", &minute[..80])).unwrap();
    run(shadowtap().arg("read").arg(own("browser-tcp.pcap")).arg("--data-dir").arg(dir.path())).ok();
    assert_eq!(crate::support::rows(dir.path(), "SELECT count(*) FROM flow"), rows);
    assert_eq!(crate::support::rows(dir.path(), "SELECT frames FROM minute WHERE source = 'x'"), [["1"]]);
}

#[test]
fn two_processes_do_not_share_a_data_directory() {
    let dir = TempDir::new().unwrap();
    let lock = fs::File::create(dir.path().join("lock")).unwrap();
    lock.lock().unwrap();
    let ran = run(shadowtap().arg("read").arg(own("browser-tcp.pcap")).arg("--data-dir").arg(dir.path()));
    fails(&ran, 1, &["in use by another shadowtap"]);
}

#[test]
fn configuration_errors_name_file_line_and_key() {
    let dir = TempDir::new().unwrap();
    let cases: [(&str, &[&str]); 18] = [
        ("[site]\nname = \"hq\"\ncolour = \"red\"\n", &["config.toml:3", "colour", "time_zone"]),
        ("[site]\ntime_zone = \"Mars/Olympus\"\n", &["config.toml:2", "Mars/Olympus", "Europe/Berlin"]),
        ("[sensor]\nlocal_nets = [\"10.0.0.0/33\"]\n", &["config.toml:2"]),
        ("\n[[siem]]\ntype = \"syslog\"\naddress = \"siem\"\n", &["config.toml:2", "HOST:PORT"]),
        (
            "[[siem]]\ntype = \"splunk\"\nurl = \"https://h:99999/\"\nsecret_env = \"HOME\"\n",
            &["config.toml:1: url", "port"],
        ),
        ("\n[[siem]]\ntype = \"file\"\npath = \"\"\n", &["config.toml:2: path"]),
        ("[[siem]]\naddress = \"siem:1\"\n", &["config.toml:1", "type"]),
        ("[[siem]]\ntype = \"splunk\"\nurl = \"https://s\"\n", &["config.toml:1", "secret_file"]),
        ("[[siem]]\ntype = \"file\"\npath = \"f\"\nindex = \"i\"\n", &["index", "type file"]),
        ("[[siem]]\ntype = \"elastic\"\nurl = \"https://u:p@e\"\n", &["password", "secret_file"]),
        ("[[siem]]\ntype = \"elastic\"\nurl = \"https://e\"\nformat = \"cef\"\n", &["JSON", "ocsf"]),
        ("[[siem]]\ntype = \"syslog\"\naddress = \"s:1\"\nca = \"c\"\n", &["transport = \"tls\""]),
        ("[[siem]]\ntype = \"file\"\npath = \"f\"\nname = \"a/b\"\n", &["config.toml:1", "a/b"]),
        (
            "[[siem]]\ntype = \"file\"\npath = \"f\"\n[[siem]]\ntype = \"file\"\npath = \"f\"\n",
            &["config.toml:4", "two", "name"],
        ),
        (
            "[[siem]]\ntype = \"webhook\"\nurl = \"https://w\"\nsecret_file = \"gone\"\n",
            &["webhook:w", "gone", "secret"],
        ),
        ("[[siem]]\ntype = \"sysloq\"\n", &["config.toml:2", "syslog"]),
        ("[site\n", &["config.toml:1"]),
        ("\n\nsite = 3\n", &["config.toml:3"]),
    ];
    for (text, words) in cases {
        let config = file(&dir, "config.toml", text.as_bytes());
        let ran = run(shadowtap().arg("report").arg("--config").arg(config).arg("--data-dir").arg(dir.path()));
        fails(&ran, 2, words);
    }
    fails(&run(shadowtap().args(["report", "--config", "/nowhere/x.toml"])), 2, &["/nowhere/x.toml"]);
}

#[test]
fn policy_errors_name_file_line_and_key() {
    let dir = TempDir::new().unwrap();
    let group = |id: &str, net: &str| format!("[groups.{id}]\nname = \"{id}\"\nsubnets = [\"{net}\"]\n");
    let cases: [(String, &[&str]); 4] = [
        (format!("{}{}", group("a", "10.0.0.0/8"), group("b", "10.0.3.0/24")), &["policy.toml:", "overlap"]),
        (
            "[[rule]]\nservices = [\"claude\"]\nstatus = \"aproved\"\n".into(),
            &["policy.toml:3", "rule.status", "approved"],
        ),
        ("[[rule]]\nservices = [\"no-such\"]\nstatus = \"approved\"\n".into(), &["policy.toml:2", "no-such"]),
        ("[police]\n".into(), &["policy.toml:1", "police"]),
    ];
    for (text, words) in cases {
        let policy = file(&dir, "policy.toml", text.as_bytes());
        fails(&run(shadowtap().args(["policy", "check"]).arg(policy)), 2, words);
    }
}

#[test]
fn the_summary_is_whole_or_absent() {
    let dir = TempDir::new().unwrap();
    let summary = dir.path().join("s.json");
    let locked = dir.path().join("locked");
    fs::create_dir(&locked).unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o755)).unwrap();
    run(shadowtap()
        .arg("read")
        .arg(own("browser-tcp.pcap"))
        .arg("--data-dir")
        .arg(&locked)
        .arg("--summary")
        .arg(&summary))
    .ok();
    assert_eq!(json(&summary)["names"]["tls"], 20);
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

/// A block of a pcapng file.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let total = (12 + body.len() as u32).to_le_bytes();
    [&kind.to_le_bytes()[..], &total, body, &total].concat()
}

/// A pcapng file of one interface with these options and a UDP packet for each time.
fn pcapng(options: &[u8], times: &[u64]) -> Vec<u8> {
    let section = [&0x1a2b_3c4d_u32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat();
    let interface = [&[1, 0, 0, 0, 0, 0, 4, 0][..], options].concat();
    let mut frame = vec![0_u8; 44];
    frame[12] = 8;
    frame[14..18].copy_from_slice(&[0x45, 0, 0, 30]);
    frame[23] = 17;
    frame[26..34].copy_from_slice(&[10, 0, 0, 1, 10, 0, 0, 2]);
    frame[34..40].copy_from_slice(&[0x30, 0x39, 0x30, 0x3a, 0, 10]);
    let packets = times.iter().map(|time| {
        let words = [0, (time >> 32) as u32, *time as u32, 44, 44].map(u32::to_le_bytes).concat();
        block(6, &[&words[..], &frame].concat())
    });
    [block(0x0a0d_0d0a, &section), block(1, &interface)].into_iter().chain(packets).flatten().collect()
}

#[test]
fn impossible_times_are_counted_and_never_panic() {
    const NOW: u64 = 1_795_225_912;
    let dir = TempDir::new().unwrap();
    let resolution = |exponent: u8| vec![9, 0, 1, 0, exponent, 0, 0, 0];
    let offset = |seconds: i64| [&[14, 0, 8, 0][..], &seconds.to_le_bytes()].concat();
    // The interface's options, the times, and how many of them are none.
    let cases: [(&str, Vec<u8>, Vec<u64>, u64); 9] = [
        ("ticks", vec![], vec![u64::MAX; 3], 3),
        ("edge", vec![], vec![i64::MAX as u64 - 1, i64::MAX as u64], 2),
        ("mixed", vec![], vec![NOW * 1_000_000, u64::MAX, NOW * 1_000_000 + 1], 1),
        ("seconds", resolution(0), vec![NOW, NOW + 1, u64::MAX], 1),
        ("base-2", resolution(0x80 | 63), vec![u64::MAX, u64::MAX], 0),
        ("no-number", resolution(127), vec![NOW * 1_000_000], 1),
        ("before", offset(i64::MIN), vec![0, NOW * 1_000_000, u64::MAX], 3),
        ("negative", offset(-1), vec![NOW * 1_000_000, 0], 1),
        ("after", offset(i64::MAX), vec![u64::MAX, NOW * 1_000_000], 2),
    ];
    for (name, options, times, wrong) in cases {
        let path = file(&dir, &format!("{name}.pcapng"), &pcapng(&options, &times));
        let store = Store::read(&path, &[]);
        let (packets, malformed) = (&store.summary["packets"], &store.summary["malformed"]);
        assert_eq!(packets.as_u64(), Some(times.len() as u64), "{name}");
        assert_eq!(malformed["time"].as_u64().unwrap_or(0), wrong, "{name}: {malformed}");
        assert_eq!(malformed.as_object().unwrap().len(), usize::from(wrong > 0), "{name}: {malformed}");
        let frames = store.rows("SELECT sum(frames) FROM minute");
        assert_eq!(frames, [[times.len().to_string()]], "{name}");
        assert!(run(shadowtap().args(["inspect", "--flows"]).arg(&path)).code <= 1, "{name}");
    }
}

#[test]
fn the_help_of_read_breaks_no_line_in_two() {
    let help = run(shadowtap().args(["read", "--help"])).ok().stdout;
    assert!(help.contains("oldest first.\nReading a whole capture again"), "{help}");
    assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
}

/// The page on configuration names each command, and its sample is what the week's capture gives.
#[test]
fn the_page_on_configuration_is_true() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md")).unwrap();
    let help = run(shadowtap().arg("--help")).ok().stdout;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    for command in commands.filter_map(|line| line.split_whitespace().next()).filter(|word| *word != "help") {
        let named = [format!("| `{command}` |"), format!("| `{command} ")];
        assert!(named.iter().any(|text| page.contains(text)), "{command}");
    }
    let sample = page.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let sample: serde_json::Value = serde_json::from_str(sample).unwrap();
    assert_eq!(sample, Store::read(&own("office-week.pcap"), &[]).summary);
}
