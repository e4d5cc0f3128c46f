//! The list by example, its faults, and the groups that it makes.

use std::sync::Arc;

use super::super::{Policy, Subject};
use super::*;
use crate::catalogue::Catalogue;

const LIST: &str = "match,name,department,owner
10.20.0.0/16,,Office,
10.20.1.0/24,floor one,Sales,
10.20.1.7,ben's laptop,Finance,\"Ng, Ben\"
02:20:01:00:00:11,anna's laptop,Legal,A. Kaya
2001:db8::/32,,Lab,
";

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn a_hardware_address_beats_an_address_and_that_a_network() {
    let list = Assets::parse(LIST, "assets.csv").unwrap();
    let department = |mac: Option<[u8; 6]>, address: &str| list.find(mac, ip(address)).map(|row| &*row.department);
    let anna = Some([2, 0x20, 1, 0, 0, 0x11]);
    assert_eq!(department(anna, "10.20.1.7"), Some("Legal"));
    assert_eq!(department(Some([2; 6]), "10.20.1.7"), Some("Finance"));
    assert_eq!(department(None, "::ffff:10.20.1.7"), Some("Finance"));
    assert_eq!(department(None, "10.20.1.8"), Some("Sales"));
    assert_eq!(department(None, "10.20.2.8"), Some("Office"));
    assert_eq!(department(None, "2001:db8:1::8"), Some("Lab"));
    assert_eq!(department(None, "10.21.0.1"), None);
    assert_eq!(list.find(None, ip("10.20.1.7")).unwrap().owner, "Ng, Ben");
}

#[test]
fn faults_name_the_line_and_the_mend() {
    for (text, line, words) in [
        ("", 1, "match,name,department,owner"),
        ("match;name;department;owner\n", 1, "with commas"),
        ("match,name,department,owner\n\n10.0.0.1,a,b\n", 3, "3 fields and not 4"),
        ("match,name,department,owner\n10.0.0.1,\"a,b,c\n", 2, "does not end"),
        ("match,name,department,owner\n10.0.0.300,a,b,c\n", 2, "\"10.0.0.300\" is no address"),
        ("match,name,department,owner\n10.0.0.7/24,a,b,c\n", 2, "write 10.0.0.0/24 or 10.0.0.7"),
        ("match,name,department,owner\n10.0.0.7,a,b,c\n::ffff:10.0.0.7,a,b,c\n", 3, "stands in line 2"),
        ("match,name,department,owner\n10.0.0.7,a\u{7},b,c\n", 2, "control character"),
    ] {
        let fault = Assets::parse(text, "assets.csv").unwrap_err();
        assert_eq!(fault.line, line, "{fault}");
        assert!(fault.to_string().starts_with("assets.csv:") && fault.text.contains(words), "{fault}");
    }
    assert!(Assets::parse("\u{feff}match,name,department,owner\r\n10.0.0.1,a,b,c\r\n", "a").is_ok(), "Excel");
}

#[test]
fn departments_are_groups_of_the_policy() {
    let text = "[policy]\nname = \"p\"\n
[groups.fin]\nname = \"Finance\"\nsubnets = [\"10.99.0.0/16\"]\n
[groups.sales]\nname = \"Sales\"\nsubnets = [\"10.20.0.0/16\"]\n
[groups.named]\nname = \"Named\"\ndevices = [\"10.20.1.9\"]\n";
    let policy = Policy::parse(text, "policy.toml", &Catalogue::builtin()).unwrap();
    let version = policy.version().to_owned();
    let list = "match,name,department,owner\n10.20.1.7,,finance,\n10.20.1.8,,nobody's,\n10.20.1.9,,Finance,\n";
    let assets = Arc::new(Assets::parse(list, "assets.csv").unwrap());
    let policy = policy.with_assets(assets);
    let group = |address: &str| policy.group_for(&Subject::of(ip(address))).map(|group| &*group.id);
    assert_eq!(group("10.20.1.7"), Some("fin"), "the list beats the network");
    assert_eq!(group("10.20.1.8"), Some("sales"), "no group has that name");
    assert_eq!(group("10.20.1.9"), Some("named"), "the policy names the device itself");
    assert_ne!(policy.version(), version);
    assert_eq!(policy.strange_departments(), ["nobody's"]);
}
