//! Leases, names, and addresses that change hands.

use std::net::Ipv4Addr;

use super::office::*;

#[test]
fn a_device_keeps_its_identity_when_its_lease_changes() {
    let mut office = Office::new();
    office.lease(ANNA, v4(11));
    office.chat(v4(11).into(), 64, ANNA);
    office.wait(2 * 60 * MINUTE);
    office.lease(ANNA, v4(99));
    office.chat(v4(99).into(), 64, ANNA);
    let seen = office.done();
    assert_eq!(seen.who(), [(ANNA_TEXT, Some(ANNA_TEXT)); 2]);
    let addresses: Vec<_> = seen.devices.iter().map(|device| device.addresses.clone()).collect();
    assert_eq!(addresses, [[v4(11)], [v4(99)]], "one record for each, the ended lease is no address of it");
    assert!(seen.devices.iter().all(|device| device.source == "dhcp" && !device.private_mac));
    assert!(seen.flows.iter().all(|flow| flow.device == ANNA_TEXT), "all records of a flow name one device");
}

#[test]
fn behind_a_relay_the_message_tells_and_the_frame_does_not() {
    let mut office = Office::new();
    let ends = [Ipv4Addr::new(10, 78, 0, 1), v4(1)];
    let client = Ipv4Addr::new(10, 78, 0, 5);
    let ask = Dhcp { mac: BEN, relay: ends[0], options: b"\x35\x01\x01\x0c\x06ws-ben", ..Dhcp::EMPTY };
    office.dhcp(ROUTER, ends, &ask);
    let options = [53, 1, 5, 51, 4, 0, 0, 0x0e, 0x10];
    office.dhcp(ROUTER, ends, &Dhcp { op: 2, given: client, options: &options, ..ask });
    office.chat(client.into(), 63, ROUTER);
    let seen = office.done();
    assert_eq!(seen.who(), [(BEN_TEXT, Some(BEN_TEXT))]);
    let [device] = &seen.devices[..] else { panic!("{:?}", seen.devices) };
    assert_eq!((device.host_name.as_deref(), device.private_mac), (Some("ws-ben"), true));
}

#[test]
fn two_clients_that_swap_their_addresses_are_told_apart() {
    let mut office = Office::new();
    for [anna, ben] in [[11, 12], [12, 11], [11, 12]] {
        office.lease(ANNA, v4(anna));
        office.lease(BEN, v4(ben));
        office.chat(v4(anna).into(), 64, ANNA);
        office.chat(v4(ben).into(), 64, BEN);
        office.wait(MINUTE);
    }
    let anna_and_ben = [(ANNA_TEXT, Some(ANNA_TEXT)), (BEN_TEXT, Some(BEN_TEXT))];
    assert_eq!(office.done().who(), anna_and_ben.repeat(3));
    assert_eq!(office.broken("device-contested"), 0);
}

#[test]
fn two_clients_that_swap_static_addresses_are_told_apart_after_a_while() {
    let mut office = Office::new();
    for [anna, ben] in [[11, 12], [12, 11]] {
        office.arp(ANNA, v4(anna));
        office.arp(BEN, v4(ben));
        office.chat(v4(anna).into(), 64, ANNA);
        office.chat(v4(ben).into(), 64, BEN);
        office.wait(30 * MINUTE);
    }
    let anna_and_ben = [(ANNA_TEXT, Some(ANNA_TEXT)), (BEN_TEXT, Some(BEN_TEXT))];
    assert_eq!(office.done().who(), anna_and_ben.repeat(2));
}

#[test]
fn ten_minutes_in_which_an_address_changed_hands_are_nobodys() {
    let mut office = Office::new();
    office.lease(ANNA, v4(11));
    office.chat(v4(11).into(), 64, ANNA);
    office.lease(BEN, v4(11));
    office.chat(v4(11).into(), 64, BEN);
    office.wait(11 * MINUTE);
    office.chat(v4(11).into(), 64, BEN);
    let devices: Vec<_> = office.done().visibility.iter().map(|one| (one.device.as_str(), one.ai_flows)).collect();
    assert_eq!(devices, [("10.77.0.11", 2), (BEN_TEXT, 1)]);
}

/// The ten minutes that end where the clock steps back are about a device that was known in them.
#[test]
fn a_clock_that_is_set_back_loses_no_device_of_the_time_before() {
    let mut office = Office::new();
    office.lease(ANNA, v4(11));
    office.chat(v4(11).into(), 64, ANNA);
    office.time -= 60 * MINUTE;
    office.chat(v4(12).into(), 64, BEN);
    let devices: Vec<_> = office.done().visibility.iter().map(|one| one.device.as_str()).collect();
    assert_eq!(devices, [ANNA_TEXT, BEN_TEXT]);
}

#[test]
fn a_question_names_the_device_too() {
    let mut office = Office::new();
    office.arp(ANNA, v4(11));
    let question = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x06claude\x02ai\x00\x00\x01\x00\x01";
    let packet = ip(v4(11).into(), v4(1).into(), 17, 64, &udp([40_000, 53], question));
    office.frame(eth(ANNA, ROUTER, 0x0800, &packet));
    let seen = office.done();
    assert_eq!(seen.lookups[0].device, ANNA_TEXT);
    assert_eq!((seen.devices.len(), seen.devices[0].source.as_str()), (1, "arp"));
}

#[test]
fn a_device_that_reaches_no_ai_service_is_in_no_record() {
    let mut office = Office::new();
    office.lease(ANNA, v4(11));
    office.dhcp(
        ANNA,
        [v4(11), v4(1)],
        &Dhcp { mac: ANNA, uses: v4(11), options: b"\x35\x01\x03\x0c\x04anna", ..Dhcp::EMPTY },
    );
    office.arp(BEN, v4(12));
    office.chat(v4(12).into(), 64, BEN);
    let seen = office.done();
    assert_eq!(seen.devices.iter().map(|device| device.device.as_str()).collect::<Vec<_>>(), [BEN_TEXT]);
    let all = format!("{:?}{:?}{:?}", seen.flows, seen.devices, seen.visibility);
    assert!(!all.contains(ANNA_TEXT) && !all.contains("anna"), "{all}");
}
