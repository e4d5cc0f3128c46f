//! Those who lie: forged messages, floods, and messages cut anywhere.

use std::net::Ipv4Addr;

use super::office::*;

#[test]
fn a_forged_message_takes_no_address() {
    let mut office = Office::new();
    office.arp(ANNA, v4(11));
    office.arp(BEN, v4(11));
    office.chat(v4(11).into(), 64, ANNA);
    assert_eq!(office.done().who(), [("10.77.0.11", None)], "two say that they have it");
    assert_eq!(office.broken("device-contested"), 1);
}

/// A server's word moves an address, and whoever answers in its place is not unseen.
#[test]
fn a_forged_lease_of_an_address_in_use_is_counted() {
    let mut office = Office::new();
    office.lease(ANNA, v4(11));
    office.chat(v4(11).into(), 64, ANNA);
    office.lease(BEN, v4(11));
    office.chat(v4(11).into(), 64, ANNA);
    assert_eq!(office.done().who(), [(ANNA_TEXT, Some(ANNA_TEXT)), ("10.77.0.11", None)], "her frames contest it");
    assert_eq!(office.broken("device-contested"), 2);
}

#[test]
fn a_flood_of_leases_is_bounded_and_does_not_drive_out_who_is_known() {
    let mut office = Office::new();
    office.lease(ANNA, v4(11));
    office.chat(v4(11).into(), 63, ROUTER);
    for n in 0..150_000_u32 {
        let [_, b, c, d] = n.to_be_bytes();
        let made_up = [0x02, 0xee, 0, b, c, d];
        office.lease(made_up, Ipv4Addr::from((172 << 24) + (16 << 16) + n));
    }
    office.chat(v4(11).into(), 63, ROUTER);
    assert_eq!(office.done().who(), [(ANNA_TEXT, Some(ANNA_TEXT)); 2]);
    assert!(office.broken("devices-full") > 100_000, "{}", office.broken("devices-full"));
}

#[test]
fn cut_messages_change_nothing_and_are_accounted_for() {
    let mut office = Office::new();
    let ack = Dhcp { op: 2, mac: BEN, given: v4(12), options: &[53, 1, 5], ..Dhcp::EMPTY };
    office.dhcp(ROUTER, [v4(1), Ipv4Addr::BROADCAST], &ack);
    let arp = [&[0, 1, 8, 0, 6, 4, 0, 2][..], &ANNA, &v4(11).octets()].concat();
    let ndp = [&[136, 0, 0, 0, 0x60, 0, 0, 0][..], &v6("fd00::11").octets(), &[2, 1], &ANNA].concat();
    for end in 0..arp.len() {
        office.frame(eth(ANNA, [0xff; 6], 0x0806, &arp[..end]));
    }
    for end in 0..ndp.len() {
        let packet = ip(v6("fd00::11").into(), v6("ff02::1").into(), 58, 255, &ndp[..end]);
        office.frame(eth(ANNA, [0xff; 6], 0x86dd, &packet));
    }
    office.chat(v4(11).into(), 63, ROUTER);
    office.chat(v6("fd00::11").into(), 63, ROUTER);
    office.chat(v4(12).into(), 63, ROUTER);
    assert_eq!(office.done().who(), [("10.77.0.11", None), ("fd00::11", None), (BEN_TEXT, Some(BEN_TEXT))]);
}
