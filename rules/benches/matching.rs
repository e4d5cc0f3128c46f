//! Nanoseconds from a host name to its service, by kind of answer.
//!
//!     cargo bench -p rules --bench matching
//!
//! Each benchmark goes through all hosts of its list: the time per item is the time per host. Before them
//! the size of the compiled catalogue and the time to make it are printed.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a benchmark prints, and stops when it has nothing to measure"
)]

use std::time::Instant;

use divan::{Bencher, black_box, counter::ItemsCount};
use rules::catalogue::{Catalogue, Kind, infra::Infra};

fn main() {
    let start = Instant::now();
    let catalogue = Catalogue::builtin();
    let took = start.elapsed();
    let patterns: usize = catalogue.services().iter().map(|service| service.patterns.len()).sum();
    println!(
        "catalogue {}: {} services, {patterns} patterns, made in {:.1} ms, about {} KiB, of which the matcher {} KiB",
        catalogue.version(),
        catalogue.services().len(),
        took.as_secs_f64() * 1e3,
        catalogue.memory().total >> 10,
        catalogue.memory().matcher >> 10,
    );
    divan::main();
}

/// Hosts of an office that are no AI service.
const MISSES: &[&str] = &[
    "www.example.com",
    "outlook.office365.com",
    "fonts.gstatic.com",
    "www.google.com",
    "github.com",
    "api.github.com",
    "ctldl.windowsupdate.com",
    "d1a2b3c4.cloudfront.net",
    "teams.microsoft.com",
    "slack.com",
    "s3.eu-central-1.amazonaws.com",
    "update.googleapis.com",
    "safebrowsing.googleapis.com",
    "localhost.localdomain",
    "connectivity-check.ubuntu.com",
    "a1b2c3.execute-api.us-east-1.amazonaws.com",
    "notopenai.com",
    "boundarytestx.ai",
];

/// A host for each pattern of a kind: `sub.` before a suffix, something for each star.
fn hits(kind: Kind) -> Vec<String> {
    let catalogue = Catalogue::builtin();
    let patterns = catalogue.services().iter().flat_map(|service| &service.patterns);
    let text = patterns.filter(|pattern| pattern.kind == kind).map(|pattern| pattern.text.as_str());
    match kind {
        Kind::Exact => text.map(str::to_owned).collect(),
        Kind::Suffix => text.map(|text| format!("sub.{text}")).collect(),
        Kind::Glob => text.map(|text| text.replace('*', "eu-west-1")).collect(),
    }
}

fn each_host(bencher: Bencher<'_, '_>, hosts: &[String]) {
    let catalogue = Catalogue::builtin();
    bencher
        .counter(ItemsCount::new(hosts.len()))
        .bench_local(|| hosts.iter().filter(|host| catalogue.find(black_box(host)).is_some()).count());
}

#[divan::bench]
fn hit_exact(bencher: Bencher<'_, '_>) {
    each_host(bencher, &hits(Kind::Exact));
}

#[divan::bench]
fn hit_suffix(bencher: Bencher<'_, '_>) {
    each_host(bencher, &hits(Kind::Suffix));
}

#[divan::bench]
fn hit_glob(bencher: Bencher<'_, '_>) {
    each_host(bencher, &hits(Kind::Glob));
}

#[divan::bench]
fn miss(bencher: Bencher<'_, '_>) {
    let hosts: Vec<String> = MISSES.iter().map(|host| (*host).to_owned()).collect();
    each_host(bencher, &hosts);
}

/// Upper case and a trailing dot, as DNS with 0x20 has them: the name is copied before it is compared.
#[divan::bench]
fn hit_unclean(bencher: Bencher<'_, '_>) {
    let hosts: Vec<String> = hits(Kind::Exact).iter().map(|host| host.to_ascii_uppercase() + ".").collect();
    each_host(bencher, &hosts);
}

#[divan::bench]
fn infra_miss(bencher: Bencher<'_, '_>) {
    let infra = Infra::builtin();
    bencher
        .counter(ItemsCount::new(MISSES.len()))
        .bench_local(|| MISSES.iter().filter(|host| infra.find(black_box(host)).is_some()).count());
}

#[divan::bench]
fn make_catalogue() -> Catalogue {
    Catalogue::builtin()
}
