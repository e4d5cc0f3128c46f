//! Hardware addresses out of frames: only of clients on the mirrored segment.

use super::office::*;

fn advertisement(target: &str, mac: Mac) -> Vec<u8> {
    [&[136, 0, 0, 0, 0x60, 0, 0, 0][..], &v6(target).octets(), &[2, 1], &mac].concat()
}

#[test]
fn a_router_is_nobodys_device() {
    let mut office = Office::new();
    for last in 11..31 {
        office.chat(v4(last).into(), 63, ROUTER);
    }
    let seen = office.done();
    assert_eq!(seen.who().len(), 20);
    assert!(seen.flows.iter().all(|flow| flow.device == flow.client_ip.to_string() && flow.client_mac.is_none()));
    assert!(seen.devices.is_empty());
}

#[test]
fn a_router_that_hides_itself_is_found_out_after_a_few() {
    let mut office = Office::new();
    for last in 11..31 {
        office.chat(v4(last).into(), 64, BEN);
    }
    let who = office.done().who();
    let believed = who.iter().filter(|(_, mac)| mac.is_some()).count();
    assert_eq!(believed, 4, "{who:?}");
    assert!(who[4..].iter().all(|(_, mac)| mac.is_none()));
}

#[test]
fn a_first_hop_is_proof_without_any_other_message() {
    for ttl in [64, 128, 255] {
        let mut office = Office::new();
        office.chat(v4(11).into(), ttl, ANNA);
        let seen = office.done();
        assert_eq!(seen.who(), [(ANNA_TEXT, Some(ANNA_TEXT))], "{ttl}");
        assert_eq!(seen.devices[0].source, "frame");
    }
}

#[test]
fn a_mirror_on_both_sides_of_a_router_sees_the_client() {
    let mut office = Office::new();
    office.chat(v4(11).into(), 64, ANNA);
    office.chat(v4(11).into(), 63, ROUTER);
    assert_eq!(office.done().who(), [(ANNA_TEXT, Some(ANNA_TEXT)); 2]);
}

#[test]
fn one_device_has_all_its_addresses_of_ipv6() {
    let mut office = Office::new();
    let addresses = ["2001:db8:77::16", "2001:db8:77:0:1:2:3:4", "fd00::16"];
    for address in addresses {
        let message = advertisement(address, ANNA);
        let packet = ip(v6(address).into(), v6("ff02::1").into(), 58, 255, &message);
        office.frame(eth(ANNA, [0x33, 0x33, 0, 0, 0, 1], 0x86dd, &packet));
        office.chat(v6(address).into(), 63, ROUTER);
    }
    office.arp(ANNA, v4(16));
    office.wait(2 * MINUTE);
    office.chat(v4(16).into(), 64, ANNA);
    let seen = office.done();
    assert_eq!(seen.who(), [(ANNA_TEXT, Some(ANNA_TEXT)); 4]);
    assert_eq!(seen.devices.last().unwrap().addresses.len(), 4);
    let visibility: Vec<_> = seen.visibility.iter().map(|one| (one.device.as_str(), one.ai_flows)).collect();
    assert_eq!(visibility, [(ANNA_TEXT, 2)], "one record for both local addresses");
}

#[test]
fn a_forwarded_advertisement_proves_nothing() {
    let mut office = Office::new();
    let message = advertisement("fd00::16", ANNA);
    office.frame(eth(ROUTER, ANNA, 0x86dd, &ip(v6("fd00::16").into(), v6("fd00::1").into(), 58, 254, &message)));
    office.chat(v6("fd00::16").into(), 63, ROUTER);
    assert_eq!(office.done().who(), [("fd00::16", None)]);
}

#[test]
fn a_host_that_names_itself_is_named() {
    let mut office = Office::new();
    let mut message = b"\x00\x00\x84\x00\x00\x00\x00\x01\x00\x00\x00\x00\x07Anna-PC\x05local\x00".to_vec();
    message.extend(b"\x00\x01\x80\x01\x00\x00\x00\x78\x00\x04\x0a\x4d\x00\x0b");
    let packet = ip(v4(11).into(), [224, 0, 0, 251].into(), 17, 255, &udp([5353, 5353], &message));
    office.frame(eth(ANNA, [1, 0, 0x5e, 0, 0, 0xfb], 0x0800, &packet));
    office.chat(v4(11).into(), 64, ANNA);
    assert_eq!(office.done().devices[0].host_name.as_deref(), Some("anna-pc"));
}

#[test]
fn a_lease_of_ipv6_is_the_clients_on_the_link() {
    let mut office = Office::new();
    let address = [&[0, 5, 0, 24][..], &v6("fd00::16").octets(), &[0, 0, 0x0e, 0x10, 0, 0, 0x1c, 0x20]].concat();
    let association = [&[0, 3, 0, 40][..], &[0; 12], &address].concat();
    let duid = [0, 1, 0, 10, 0, 3, 0, 1, 9, 9, 9, 9, 9, 9];
    let reply = [&[7, 1, 2, 3][..], &duid, &association].concat();
    let packet = ip(v6("fe80::1").into(), v6("fe80::16").into(), 17, 64, &udp([547, 546], &reply));
    office.frame(eth(ROUTER, ANNA, 0x86dd, &packet));
    office.chat(v6("fd00::16").into(), 63, ROUTER);
    let seen = office.done();
    assert_eq!(seen.who(), [(ANNA_TEXT, Some(ANNA_TEXT))], "not the interface that made the DUID");
    assert_eq!(seen.devices[0].source, "dhcp6");
}
