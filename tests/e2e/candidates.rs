//! The queue of unlisted domains: what comes back when services are taken out of the catalogue, and what people decide.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rules::catalogue::Catalogue;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Store, corpus, own, rows, run, shadowtap};

const OWN: [&str; 4] = ["office-week.pcap", "browser-tcp.pcap", "browser-quic.pcap", "clients-vlan-v6.pcapng"];
const LAB: [&str; 9] = ["t_tcp", "t_quic", "t_ech", "firefox", "sdk", "upctl", "dl", "v6", "span_base"];

/// Other services under which recorded traffic is seen once more: names of equal length, so that only the server name
/// in the hellos changes. The recordings alone hold twelve services that were used.
const RENAMED: [(&str, &str, &str); 8] = [
    ("office-week.pcap", "chatgpt.com", "leonardo.ai"),
    ("office-week.pcap", "claude.ai", "phind.com"),
    ("browser-tcp.pcap", "chatgpt.com", "lovable.dev"),
    ("office-week.pcap", "api.openai.com", "api.cohere.com"),
    ("office-week.pcap", "www.perplexity.ai", "api.replicate.com"),
    ("office-week.pcap", "api.anthropic.com", "api.deepinfra.com"),
    ("office-week.pcap", "api.mistral.ai", "app.heygen.com"),
    ("browser-tcp.pcap", "claude.ai", "venice.ai"),
];

/// A catalogue folder in which `removed` services are missing: it replaces the built-in files that hold them.
fn without(removed: &BTreeSet<String>) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("none.toml"), "# Nothing is added.\n").unwrap();
    for (name, text) in Catalogue::builtin_files() {
        let mut pieces = text.split("\n[[service]]\n");
        let top = pieces.next().unwrap();
        let id = |block: &str| block.split('"').nth(1).unwrap().to_owned();
        let (gone, kept): (Vec<_>, Vec<_>) = pieces.partition(|block| removed.contains(&id(block)));
        if !gone.is_empty() {
            let kept: String = kept.iter().map(|block| format!("\n[[service]]\n{block}")).collect();
            fs::write(folder.path().join(name), format!("{top}{kept}")).unwrap();
        }
    }
    folder
}

/// The service and every other one that would still name one of its hosts: a wider line of the same vendor.
fn closure(service: &str, hosts: &BTreeSet<String>) -> BTreeSet<String> {
    let mut removed = BTreeSet::from([service.to_owned()]);
    loop {
        let folder = without(&removed);
        let catalogue = Catalogue::extended(folder.path()).unwrap();
        let Some(hit) = hosts.iter().find_map(|host| catalogue.find(host)) else { return removed };
        removed.insert(hit.service.id.clone());
    }
}

/// Captures with services: the recordings, and those seen under other names.
fn captures(scratch: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = OWN.iter().map(|name| own(name)).collect();
    if let Some(lab) = corpus("lab/captures") {
        all.extend(LAB.iter().map(|name| lab.join(format!("{name}.pcap"))));
    }
    for (capture, from, to) in RENAMED {
        assert_eq!(from.len(), to.len());
        let mut bytes = fs::read(own(capture)).unwrap();
        let at: Vec<usize> =
            (0..bytes.len() - from.len()).filter(|&at| bytes[at..].starts_with(from.as_bytes())).collect();
        assert!(!at.is_empty(), "{from} in {capture}");
        for at in at {
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
        let path = scratch.join(format!("{to}.pcap"));
        fs::write(&path, bytes).unwrap();
        all.push(path);
    }
    all
}

/// Services that were used in a capture, with the hosts that were asked.
fn services(capture: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let store = Store::read(capture, &[]);
    let used = store.rows(
        "SELECT DISTINCT service, host FROM flow WHERE role IN ('app', 'api', 'upload') AND evidence IN ('sni', 'quic-sni')
           AND service IN (SELECT service FROM flow GROUP BY service HAVING sum(turns) > 0)",
    );
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in used {
        found.entry(row[0].clone()).or_default().insert(row[1].clone());
    }
    found
}

/// All candidates with their scores, best first.
fn queue(captures: &[&PathBuf], catalogue: &Path) -> Vec<(String, u64)> {
    let data = TempDir::new().unwrap();
    for capture in captures {
        let mut read = shadowtap();
        read.arg("read").arg(capture).arg("--data-dir").arg(data.path()).arg("--catalogue").arg(catalogue);
        run(&mut read).ok();
    }
    list(data.path(), catalogue)
        .iter()
        .map(|l| (text(l, "domain"), l["score"]["total"].as_u64().unwrap()))
        .collect()
}

fn list(data: &Path, catalogue: &Path) -> Vec<Value> {
    let mut list = shadowtap();
    list.args(["candidates", "list", "--since", "9000d", "--format", "json", "--data-dir"]).arg(data);
    run(list.arg("--catalogue").arg(catalogue)).ok().lines()
}

fn text(line: &Value, key: &str) -> String {
    line[key].as_str().unwrap().to_owned()
}

#[test]
fn services_that_are_taken_out_come_back() {
    let scratch = TempDir::new().unwrap();
    let captures = captures(scratch.path());
    let mut seen: BTreeMap<String, (BTreeSet<String>, Vec<&PathBuf>)> = BTreeMap::new();
    for capture in &captures {
        for (service, domains) in services(capture) {
            let entry = seen.entry(service).or_default();
            entry.0.extend(domains);
            entry.1.push(capture);
        }
    }
    assert!(seen.len() >= 12, "{:?}", seen.keys());
    let taken: Vec<_> = seen.iter().take(20).collect();
    let domains = |hosts: &BTreeSet<String>| -> BTreeSet<String> {
        hosts.iter().map(|host| rules::candidates::domain(host).unwrap().to_owned()).collect()
    };
    let (mut back, mut all_removed) = (0, BTreeSet::new());
    for (service, (hosts, captures)) in &taken {
        let removed = closure(service, hosts);
        let ten = queue(captures, without(&removed).path());
        let ten = ten.get(..10).unwrap_or(&ten);
        let rank = ten.iter().position(|(domain, _)| domains(hosts).contains(domain));
        eprintln!("{service} ({removed:?}): rank {rank:?} in {ten:?}");
        back += usize::from(rank.is_some());
        all_removed.extend(removed);
    }
    eprintln!("one at a time: {back} of {} among the first ten", taken.len());
    assert_eq!(back, taken.len());

    let theirs: BTreeSet<String> = taken.iter().flat_map(|(_, (hosts, _))| domains(hosts)).collect();
    let everything: Vec<&PathBuf> = captures.iter().collect();
    let all = queue(&everything, without(&all_removed).path());
    let right = |lines: &[(String, u64)]| lines.iter().filter(|(domain, _)| theirs.contains(domain)).count();
    let right_of_ten = right(&all[..10]);
    eprintln!(
        "all {} at once: {right_of_ten} of the first ten are theirs; {} of {} listed, {} domains: {all:?}",
        taken.len(),
        right(&all),
        all.len(),
        theirs.len()
    );
    assert_eq!(right_of_ten, 10, "{all:?}");
}

#[test]
fn shape_alone_opens_no_finding() {
    let folder = without(&["chatgpt", "claude", "openai-api"].map(str::to_owned).into());
    let data = TempDir::new().unwrap();
    let mut read = shadowtap();
    read.arg("read").arg(own("office-week.pcap")).arg("--data-dir").arg(data.path());
    run(read.arg("--catalogue").arg(folder.path())).ok();
    assert!(!list(data.path(), folder.path()).is_empty());
    let tagged =
        rows(data.path(), "SELECT * FROM flow WHERE host IN ('chatgpt.com', 'claude.ai', 'api.openai.com')");
    assert!(tagged.is_empty());
    let columns = rows(data.path(), "SELECT name FROM pragma_table_info('candidate')").concat();
    assert!(!columns.iter().any(|name| name.contains("ip") || name == "device"), "{columns:?}");
}

#[test]
fn accepting_and_rejecting() {
    let folder = without(&["chatgpt", "claude"].map(str::to_owned).into());
    let data = TempDir::new().unwrap();
    let on = |args: &[&str]| {
        let mut command = shadowtap();
        command.args(args).arg("--data-dir").arg(data.path()).arg("--catalogue").arg(folder.path());
        run(&mut command)
    };
    let capture = own("office-week.pcap");
    on(&["read", capture.to_str().unwrap()]).ok();
    let domains = || list(data.path(), folder.path()).iter().map(|line| text(line, "domain")).collect::<Vec<_>>();
    assert!(domains().starts_with(&["chatgpt.com".to_owned()]) || domains().contains(&"chatgpt.com".to_owned()));

    let accept = ["candidates", "accept", "chatgpt.com", "--service", "chat-one", "--by", "a test"];
    assert!(on(&accept).ok().stdout.contains("chatgpt.com is a host of chat-one now"));
    let text = fs::read_to_string(folder.path().join("accepted.toml")).unwrap();
    assert!(text.contains("candidate, accepted by a test"), "{text}");
    assert!(on(&accept).ok().stdout.contains("already"));
    assert_eq!(fs::read_to_string(folder.path().join("accepted.toml")).unwrap(), text);
    on(&["candidates", "accept", "chatgpt-two.com", "--service", "chat-one"]).ok();
    assert!(run(shadowtap().args(["catalog", "check"]).arg(folder.path())).ok().stdout.contains("0 errors"));
    assert!(!domains().contains(&"chatgpt.com".to_owned()));

    let reject = ["candidates", "reject", "claude.ai", "--reason", "seen, \"our own\""];
    assert!(on(&reject).ok().stdout.contains("will not be listed again"));
    assert!(on(&reject).ok().stdout.contains("already"));
    assert!(!domains().contains(&"claude.ai".to_owned()));

    for (args, says) in [
        (&["candidates", "accept", "com", "--service", "x"][..], "no domain"),
        (&["candidates", "accept", "www.example.com", "--service", "x"], "lies below example.com"),
        (&["candidates", "accept", "example.com", "--service", "No Id"], "not an id"),
        (&["candidates", "accept", "perplexity.ai", "--service", "x"], "it belongs to perplexity"),
        (&["candidates", "accept", "example.com", "--service", "perplexity"], "copy that file"),
        (&["candidates", "accept", "torproject.org", "--service", "x"], "is no AI service but"),
        (&["candidates", "accept", "github.io", "--service", "x"], "nothing was written"),
        (&["candidates", "reject", "example.com", "--reason", " "], "--reason is empty"),
        (&["candidates", "list", "--since", "soon"], "number of days"),
    ] {
        let ran = on(args);
        assert_eq!(ran.code, 2, "{args:?}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains(says), "{args:?}: {}", ran.stderr);
    }
    let now = fs::read_to_string(folder.path().join("accepted.toml")).unwrap();
    assert_eq!(now.matches("suffix =").count(), 2, "{now}");
}

fn accept(folder: &Path, args: &[&str]) -> std::process::Command {
    let mut command = shadowtap();
    command.args(["candidates", "accept"]).args(args).arg("--catalogue").arg(folder);
    command
}

fn checked(folder: &Path) -> String {
    run(shadowtap().args(["catalog", "check"]).arg(folder)).ok().stdout
}

#[test]
fn accepting_makes_the_folder() {
    let dir = TempDir::new().unwrap();
    let folder = dir.path().join("a/my-services");
    let refused = run(&mut accept(&folder, &["perplexity.ai", "--service", "x"]));
    assert_eq!((refused.code, folder.exists()), (2, false), "{}", refused.stderr);
    run(&mut accept(&folder, &["example.com", "--service", "example-chat", "--by", "a test"])).ok();
    assert!(checked(&folder).contains("0 errors"));
    let left: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["accepted.toml"]);
}

#[test]
fn words_that_reach_beyond_their_line_are_refused() {
    let dir = TempDir::new().unwrap();
    let folder = dir.path().join("own");
    for field in ["--name", "--vendor", "--by", "--service"] {
        for word in ["a\nb", "a\r", "a\u{1b}[2J", "a\u{7f}", "a\"\n[[service]]\nid = \"b"] {
            let mut args = vec!["example.com", field, word];
            args.extend(["--service", "x"].iter().filter(|_| field != "--service"));
            let ran = run(&mut accept(&folder, &args));
            assert_eq!((ran.code, folder.exists()), (2, false), "{field} {word:?}: {}", ran.stderr);
            assert!(ran.stderr.contains("control character"), "{field} {word:?}: {}", ran.stderr);
        }
    }
    let ran = run(accept(&folder, &["example.com", "--service", "x"]).env("USER", "a\nb"));
    assert!(ran.code == 2 && ran.stderr.contains("--by") && !folder.exists(), "{}", ran.stderr);
    let mut reject = shadowtap();
    reject.args(["candidates", "reject", "example.com", "--reason", "a\nb", "--data-dir"]).arg(dir.path());
    let ran = run(&mut reject);
    assert!(ran.code == 2 && ran.stderr.contains("control character"), "{}", ran.stderr);
}

#[test]
fn words_that_look_like_the_file_itself_do_no_harm() {
    let folder = TempDir::new().unwrap();
    let odd = "\"a\" \\ [[service]] ] 'b' \u{fc} # c";
    let name = ["--name", odd, "--vendor", odd, "--by", odd];
    run(&mut accept(folder.path(), &[&["example.com", "--service", "one"][..], &name].concat())).ok();
    // Other people's hands: a comment at the top, another way to write the same, a line of two.
    let file = folder.path().join("accepted.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("# Ours.\n{}", text.replace("[[service]]\n", "[[ service ]] # first\r\n"))).unwrap();
    run(&mut accept(folder.path(), &["example.org", "--service", "one", "--by", "a test"])).ok();
    run(&mut accept(folder.path(), &["example.net", "--service", "a-two", "--by", "a test"])).ok();
    let catalogue = Catalogue::extended(folder.path()).unwrap();
    let one = catalogue.service("one").unwrap();
    assert_eq!((one.name.as_str(), one.vendor.as_str()), (odd, odd));
    for (domain, service) in [("example.com", "one"), ("example.org", "one"), ("example.net", "a-two")] {
        assert_eq!(catalogue.find(domain).unwrap().service.id, service);
    }
    assert!(checked(folder.path()).contains("0 errors"));
    assert!(fs::read_to_string(&file).unwrap().starts_with("# Ours.\n"));
}

#[test]
fn people_who_decide_at_the_same_time_lose_nothing() {
    let (folder, data) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let domains: Vec<String> = (0..8).map(|n| format!("example-{n}.com")).collect();
    let mut running = Vec::new();
    for domain in &domains {
        running.push(accept(folder.path(), &[domain, "--service", "one"]).stdout(Stdio::null()).spawn().unwrap());
        let mut reject = shadowtap();
        reject.args(["candidates", "reject", domain, "--reason", "a test", "--data-dir"]).arg(data.path());
        running.push(reject.stdout(Stdio::null()).spawn().unwrap());
    }
    assert!(running.into_iter().all(|mut child| child.wait().unwrap().success()));
    let catalogue = Catalogue::extended(folder.path()).unwrap();
    let rejected = fs::read_to_string(data.path().join("candidates.rejected.toml")).unwrap();
    for domain in &domains {
        assert!(catalogue.find(domain).is_some(), "{domain}");
        assert!(rejected.contains(domain.as_str()), "{domain}");
    }
}

#[test]
fn rejecting_works_while_a_sensor_runs() {
    let data = TempDir::new().unwrap();
    let lock = fs::File::create(data.path().join("lock")).unwrap();
    lock.lock().unwrap();
    let mut reject = shadowtap();
    reject.args(["candidates", "reject", "example.com", "--reason", "a test", "--data-dir"]).arg(data.path());
    assert!(run(&mut reject).ok().stdout.contains("example.com is rejected"));
}
