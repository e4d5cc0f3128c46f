//! Claims and what they lead to, without packets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::hardware::{FEW_V4, FEW_V6};
use super::holder::{CONTEST, KEPT};
use super::table::Lost;
use super::*;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

const ANNA: Mac = [0x02, 0x77, 0, 0, 0, 0x11];
const BEN: Mac = [0x00, 0x1b, 0x21, 0, 0, 0x12];

fn ip(last: u8) -> IpAddr {
    Ipv4Addr::new(10, 77, 0, last).into()
}

fn v6(last: u16) -> IpAddr {
    Ipv6Addr::new(0x2001, 0xdb8, 0x77, 0, 0, 0, 0, last).into()
}

fn claim(mac: Mac, ip: IpAddr, source: Source) -> Claim {
    Claim { mac, ip, source, lease: None }
}

fn lease(mac: Mac, ip: IpAddr, seconds: u32) -> Claim {
    Claim { lease: Some(seconds), ..claim(mac, ip, Source::Dhcp) }
}

fn now(devices: &Devices, ip: IpAddr, time: i64) -> Option<Mac> {
    devices.who(ip, time, time)
}

#[test]
fn a_lease_ends_and_who_is_heard_after_it_has_the_address() {
    let mut devices = Devices::default();
    devices.claim(&lease(ANNA, ip(11), 3600), 0);
    assert_eq!(now(&devices, ip(11), HOUR), Some(ANNA));
    assert_eq!(now(&devices, ip(11), HOUR + 1), None);
    devices.claim(&claim(ANNA, ip(11), Source::Arp), HOUR);
    assert_eq!(now(&devices, ip(11), HOUR + 1), None, "that was within it");
    devices.claim(&claim(ANNA, ip(11), Source::Arp), HOUR + 1);
    assert_eq!(now(&devices, ip(11), 2 * HOUR), Some(ANNA), "it is still there");
    assert_eq!(now(&devices, ip(11), HOUR + 1 + KEPT + 1), None);
    devices.claim(&lease(ANNA, ip(12), u32::MAX), 0);
    assert_eq!(now(&devices, ip(12), 8 * 24 * HOUR), None, "no lease is believed forever");
}

/// Its renewal may have passed the mirror by.
#[test]
fn the_end_of_a_lease_gives_the_address_to_nobody_while_its_device_is_heard() {
    let mut devices = Devices::default();
    devices.claim(&lease(ANNA, ip(11), 3600), 0);
    devices.claim(&claim(ANNA, ip(11), Source::Frame), HOUR - SECOND);
    devices.claim(&claim(BEN, ip(11), Source::Arp), HOUR + SECOND);
    assert_eq!(now(&devices, ip(11), HOUR + SECOND), None);
    assert_eq!(devices.take_lost().contested, 1);
    devices.claim(&claim(BEN, ip(11), Source::Arp), HOUR + 2 * CONTEST);
    assert_eq!(now(&devices, ip(11), HOUR + 20 * MINUTE), Some(BEN), "she is silent");
}

#[test]
fn a_lease_moves_an_address_at_once() {
    let mut devices = Devices::default();
    devices.claim(&lease(ANNA, ip(11), 3600), 0);
    devices.claim(&claim(ANNA, ip(11), Source::Arp), 9 * SECOND);
    devices.claim(&lease(BEN, ip(11), 3600), 10 * SECOND);
    assert_eq!(now(&devices, ip(11), 10 * SECOND), Some(BEN));
    assert_eq!(devices.who(ip(11), 5 * SECOND, 10 * SECOND), None, "it was another's for a part of that");
    assert_eq!(devices.take_lost(), Lost { forgotten: 0, contested: 1 }, "she was heard a second before");
    devices.claim(&lease(ANNA, ip(11), 3600), 20 * SECOND + CONTEST);
    devices.release(ANNA, ip(11), 30 * SECOND + CONTEST);
    devices.claim(&lease(BEN, ip(11), 3600), 31 * SECOND + CONTEST);
    assert_eq!(devices.take_lost(), Lost::default(), "the first is silent, or gave it back");
}

#[test]
fn an_address_given_back_is_nobodys() {
    let mut devices = Devices::default();
    devices.claim(&lease(ANNA, ip(11), 3600), 0);
    devices.release(BEN, ip(11), SECOND);
    assert_eq!(now(&devices, ip(11), SECOND), Some(ANNA), "it was not his");
    devices.release(ANNA, ip(11), SECOND);
    assert_eq!(now(&devices, ip(11), SECOND), None);
    devices.claim(&claim(BEN, ip(11), Source::Frame), 2 * SECOND);
    assert_eq!(now(&devices, ip(11), 2 * SECOND), Some(BEN));
}

#[test]
fn two_that_claim_one_address_at_once_do_not_have_it() {
    let mut devices = Devices::default();
    devices.claim(&claim(ANNA, ip(11), Source::Arp), 0);
    devices.claim(&claim(BEN, ip(11), Source::Arp), SECOND);
    devices.claim(&claim(ANNA, ip(11), Source::Arp), 2 * SECOND);
    devices.claim(&claim(BEN, ip(11), Source::Arp), 3 * SECOND);
    assert_eq!(now(&devices, ip(11), 4 * SECOND), None);
    assert_eq!(devices.take_lost(), Lost { forgotten: 0, contested: 1 }, "one contest");
    devices.claim(&claim(ANNA, ip(11), Source::Frame), 20 * MINUTE);
    assert_eq!(now(&devices, ip(11), 20 * MINUTE), Some(ANNA), "the other one gave up");
}

/// What began while the address was nobody's stays so when the contest is over.
#[test]
fn what_happened_during_a_contest_is_nobodys() {
    let mut devices = Devices::default();
    devices.claim(&claim(ANNA, ip(11), Source::Arp), 0);
    devices.claim(&claim(BEN, ip(11), Source::Arp), SECOND);
    let over = 11 * MINUTE;
    assert_eq!(now(&devices, ip(11), over), Some(ANNA));
    assert_eq!(devices.who(ip(11), 9 * MINUTE, over), None);
    assert_eq!(devices.who(ip(11), 0, over), None);
}

#[test]
fn a_forged_message_cannot_take_a_leased_address() {
    let mut devices = Devices::default();
    devices.claim(&lease(ANNA, ip(11), 7200), 0);
    devices.claim(&claim(BEN, ip(11), Source::Dhcp), HOUR);
    assert_eq!(now(&devices, ip(11), HOUR), None, "a client that says what it uses");
    assert_eq!(now(&devices, ip(11), HOUR + 11 * MINUTE), Some(ANNA));
}

#[test]
fn an_address_moves_when_the_first_is_silent() {
    let mut devices = Devices::default();
    devices.claim(&claim(ANNA, ip(11), Source::Arp), 0);
    devices.claim(&claim(BEN, ip(11), Source::Arp), CONTEST + 1);
    assert_eq!(now(&devices, ip(11), CONTEST + 1), Some(BEN));
    devices.claim(&claim(ANNA, ip(11), Source::Frame), 10 * CONTEST);
    assert_eq!(now(&devices, ip(11), 10 * CONTEST), None, "a frame does not outvote the message");
}

#[test]
fn frames_of_a_router_prove_nothing() {
    let mut devices = Devices::default();
    for last in 0..=FEW_V4 as u8 {
        devices.frame(BEN, ip(last + 10), true, i64::from(last));
        let believed = usize::from(last) < FEW_V4;
        assert_eq!(now(&devices, ip(last + 10), i64::from(last)).is_some(), believed, "{last}");
    }
    assert_eq!(now(&devices, ip(10), MINUTE), None, "nor do those before");
    devices.claim(&claim(BEN, ip(1), Source::Arp), MINUTE);
    assert_eq!(now(&devices, ip(1), MINUTE), Some(BEN), "its own address");
    devices.router(ANNA, 0);
    devices.frame(ANNA, ip(40), true, SECOND);
    assert_eq!(now(&devices, ip(40), SECOND), None, "it said that it is one");
}

#[test]
fn frames_behind_a_router_prove_nothing() {
    let mut devices = Devices::default();
    devices.frame(BEN, ip(11), false, 0);
    assert_eq!(now(&devices, ip(11), 0), None);
}

#[test]
fn who_answers_for_many_answers_for_others() {
    let mut devices = Devices::default();
    for last in 0..=FEW_V4 as u8 {
        devices.claim(&claim(BEN, ip(last), Source::Arp), i64::from(last));
    }
    assert!((0..=FEW_V4 as u8).all(|last| now(&devices, ip(last), SECOND).is_none()));
    devices.claim(&lease(BEN, ip(99), 3600), SECOND);
    assert_eq!(now(&devices, ip(99), SECOND), Some(BEN), "the server knows");
}

/// A client's message is its own word, not the server's.
#[test]
fn a_dhcp_client_that_says_what_it_uses_has_no_lease() {
    let mut devices = Devices::default();
    devices.claim(&claim(BEN, ip(11), Source::Dhcp), 0);
    devices.claim(&claim(ANNA, ip(11), Source::Arp), 2 * CONTEST);
    assert_eq!(now(&devices, ip(11), 2 * CONTEST), Some(ANNA), "he is silent");
    for last in 0..=FEW_V4 as u8 {
        devices.claim(&claim(BEN, ip(20 + last), Source::Dhcp), i64::from(last));
    }
    assert!((0..=FEW_V4 as u8).all(|last| now(&devices, ip(20 + last), SECOND).is_none()), "nobody has so many");
}

#[test]
fn one_device_may_have_many_addresses_of_ipv6() {
    let mut devices = Devices::default();
    for n in 0..FEW_V6 as u16 {
        devices.frame(ANNA, v6(n), true, i64::from(n));
        devices.claim(&claim(ANNA, v6(n), Source::Ndp), i64::from(n));
    }
    assert!((0..FEW_V6 as u16).all(|n| now(&devices, v6(n), SECOND) == Some(ANNA)));
    assert_eq!(devices.introduce(ANNA, SECOND).unwrap().addresses.len(), FEW_V6);
}

#[test]
fn leases_that_change_within_a_day_are_one_devices() {
    let mut devices = Devices::default();
    for n in 0..12 {
        let (at, ip) = (i64::from(n) * HOUR, ip(n + 20));
        devices.claim(&lease(ANNA, ip, 3600), at);
        devices.claim(&claim(ANNA, ip, Source::Arp), at);
        devices.frame(ANNA, ip, true, at);
        assert_eq!(now(&devices, ip, at), Some(ANNA), "{n}");
    }
}

#[test]
fn shared_and_group_addresses_are_no_device() {
    let mut devices = Devices::default();
    let none: [Mac; 6] = [
        [0; 6],
        [0xff; 6],
        [0x01, 0, 0x5e, 0, 0, 1],
        [0, 0, 0x5e, 0, 1, 7],
        [0, 0, 0x0c, 7, 0xac, 1],
        [0, 7, 0xb4, 0, 1, 1],
    ];
    for mac in none {
        devices.claim(&claim(mac, ip(1), Source::Arp), 0);
        devices.frame(mac, ip(1), true, 0);
        assert_eq!(now(&devices, ip(1), 0), None, "{mac:?}");
    }
    devices.claim(&claim(ANNA, Ipv4Addr::BROADCAST.into(), Source::Arp), 0);
    assert_eq!(now(&devices, Ipv4Addr::BROADCAST.into(), 0), None);
    assert!(is_private(ANNA) && !is_private(BEN));
}

#[test]
fn a_record_is_due_at_first_on_change_and_each_hour() {
    let mut devices = Devices::default();
    let named = |name: &str, leased| Description { host_name: Some(name.to_owned()), leased, vendor_class: None };
    devices.claim(&claim(ANNA, ip(11), Source::Arp), 0);
    assert_eq!(devices.introduce(ANNA, 0).unwrap().source, Source::Arp);
    assert_eq!(devices.introduce(ANNA, SECOND), None);
    devices.describe(ANNA, named("ws-anna", true), 2 * SECOND);
    assert_eq!(devices.introduce(ANNA, 3 * SECOND), None, "one in a minute");
    assert_eq!(devices.introduce(ANNA, MINUTE).unwrap().host_name.as_deref(), Some("ws-anna"));
    devices.describe(ANNA, named("annas-book", false), 2 * MINUTE);
    assert_eq!(devices.introduce(ANNA, 3 * MINUTE), None, "an announced name does not replace the other");
    assert!(devices.introduce(ANNA, MINUTE + HOUR).is_some());
    assert_eq!(devices.introduce(BEN, HOUR), None, "nobody knows him");
}

#[test]
fn a_flood_drives_out_its_like() {
    let mut devices = Devices::new(64, 128);
    devices.claim(&lease(ANNA, ip(11), 86_400), 0);
    devices.introduce(ANNA, 0).unwrap();
    for n in 1..5000_u32 {
        let [a, b, c, d] = n.to_be_bytes();
        let source = if n % 2 == 0 { Source::Dhcp } else { Source::Arp };
        let claim = claim([0x02, 0xee, a, b, c, d], Ipv4Addr::from(0x0a00_0000 + n * 7).into(), source);
        devices.claim(&claim, i64::from(n));
    }
    assert_eq!(now(&devices, ip(11), SECOND), Some(ANNA));
    let lost = devices.take_lost();
    assert!(lost.forgotten > 4000 && lost.contested == 0, "{lost:?}");
    assert!(devices.sizes().0 <= 64 && devices.sizes().1 <= 128, "{:?}", devices.sizes());
}

/// Whoever is named has said so and has not given it back since, and nobody else has the last word for a minute before,
/// unless a server has settled it since then.
#[test]
fn a_name_has_a_reason_whatever_is_said() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let macs = [ANNA, BEN, [0x00, 0x1b, 0x21, 0, 0, 0x13]];
    let mut named = 0;
    for _ in 0..2_000 {
        let (mut devices, mut time) = (Devices::default(), 0);
        let mut said: Vec<(i64, Mac, Word)> = Vec::new();
        let mut answers: Vec<(i64, Option<Mac>)> = Vec::new();
        for _ in 0..30 {
            time += 1 + (random(4) * random(90)) as i64 * SECOND;
            let mac = macs[random(3) as usize];
            let word = [Word::Back, Word::Lease, Word::Lease, Word::Own][random(4) as usize];
            match word {
                Word::Back => devices.release(mac, ip(11), time),
                Word::Lease => devices.claim(&lease(mac, ip(11), 60 + random(600) as u32), time),
                Word::Own => {
                    let source = [Source::Arp, Source::Dhcp, Source::Frame][random(3) as usize];
                    devices.claim(&claim(mac, ip(11), source), time);
                }
            }
            said.push((time, mac, word));
            let answer = now(&devices, ip(11), time);
            answers.push((time, answer));
            let Some(mac) = answer else { continue };
            for (n, (since, _)) in answers.iter().enumerate() {
                let whole = devices.who(ip(11), *since, time).is_none_or(|mac| {
                    answers.iter().skip(n).all(|(_, answer)| answer.is_none_or(|other| other == mac))
                });
                assert!(whole, "since {since}: {said:?}");
            }
            named += 1;
            let last = |mac: Mac| said.iter().rev().find(|(_, one, _)| *one == mac).copied();
            assert!(last(mac).is_some_and(|(_, _, word)| word != Word::Back), "{mac:?}: {said:?}");
            for (at, other, word) in macs.iter().filter(|one| **one != mac).filter_map(|one| last(*one)) {
                let settled =
                    said.iter().any(|(time, one, word)| *time > at && *one != other && *word == Word::Lease);
                let over = word == Word::Back || time - at > CONTEST || settled;
                assert!(over, "{mac:?}, not {other:?}: {said:?}");
            }
        }
    }
    assert!(named > 10_000, "{named}");
}

/// What is said of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    /// The device gives it back.
    Back,
    /// A server gives it.
    Lease,
    /// The device says or shows that it has it.
    Own,
}
