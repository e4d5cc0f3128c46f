//! One tunnel of each kind.

use super::*;

/// Decodes the client's packet in a tunnel between two routers.
#[track_caller]
fn tunnelled(protocol: u8, payload: &[u8]) -> Seen {
    let v4 = on(LinkType::Ethernet, &routed(&ipv4(protocol, payload))).packet();
    let v6 = on(LinkType::Ethernet, &routed(&ipv6(protocol, payload))).packet();
    assert_eq!(Seen { frame_len: 0, ..v4.clone() }, Seen { frame_len: 0, ..v6 }, "over IPv4 and IPv6");
    assert_eq!((v4.src.1, v4.dst.1), (50_000, 443));
    assert_eq!(v4.payload, HELLO);
    assert_eq!(v4.ip_len, 40 + HELLO.len() as u32);
    v4
}

/// The tunnel carries the client's own frame.
#[track_caller]
fn has_the_client(seen: &Seen) {
    assert_eq!(seen.link.src, Some(CLIENT_MAC));
}

/// The tunnel carries no hardware address of the client.
#[track_caller]
fn has_nobody(seen: &Seen) {
    assert_eq!((seen.link.src, seen.link.dst), (None, None));
}

#[test]
fn ip_in_ip_of_every_pair() {
    has_nobody(&tunnelled(4, &hello()));
    let v6 = ipv6(6, &tcp(50_000, 443, HELLO));
    for outer in [ipv4(41, &v6), ipv6(41, &v6)] {
        let seen = on(LinkType::Ethernet, &routed(&outer)).packet();
        assert_eq!((seen.src.0.to_string().as_str(), seen.ip_len), ("2001:db8::1", 60 + HELLO.len() as u32));
        has_nobody(&seen);
    }
}

#[test]
fn gre_with_each_optional_field() {
    for bits in 0..8_u16 {
        let options = vec![0xee; 4 * bits.count_ones() as usize];
        let flags = (bits & 4) << 13 | (bits & 2) << 12 | (bits & 1) << 12;
        has_nobody(&tunnelled(47, &gre(flags, 0x0800, &options, &hello())));
        has_the_client(&tunnelled(47, &gre(flags, 0x6558, &options, &client_frame(&hello()))));
    }
    let route = [0, 0, 0, 0, 8, 0, 0, 4, 1, 2, 3, 4, 0, 0, 0, 0];
    has_nobody(&tunnelled(47, &gre(0x4000, 0x0800, &route, &hello())));
}

#[test]
fn gre_version_1_carries_ppp() {
    let ppp = [&[0xff, 3, 0, 0x21], &hello()[..]].concat();
    let compressed = [&[0x21], &hello()[..]].concat();
    for payload in [ppp, compressed] {
        has_nobody(&tunnelled(47, &gre(0x3081, 0x880b, &[0, 9, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3], &payload)));
    }
    let link_control = gre(0x3001, 0x880b, &[0, 9, 0, 1, 0, 0, 0, 2], &[0xff, 3, 0xc0, 0x21, 1, 1, 0, 4]);
    assert_eq!(on(LinkType::RawIp, &ipv4(47, &link_control)), Out::NotFlow(NotFlow::OtherIp));
}

#[test]
fn erspan_of_all_three_types() {
    let frame = client_frame(&hello());
    has_the_client(&tunnelled(47, &gre(0, 0x88be, &[], &frame)));
    let second = [&[0x10, 20, 8, 77, 0, 0, 0, 5], &frame[..]].concat();
    let third = [&[0x20, 20, 0, 77, 1, 2, 3, 4, 0, 0, 0, 0], &frame[..]].concat();
    let with_more = [&[0x20, 20, 0, 77, 1, 2, 3, 4, 0, 0, 0, 1], &[0xcc; 8][..], &frame].concat();
    for (protocol, payload) in [(0x88be, second), (0x22eb, third), (0x22eb, with_more)] {
        let seen = tunnelled(47, &gre(0x1000, protocol, &[0, 0, 0, 1], &payload));
        has_the_client(&seen);
        assert_eq!(seen.link.vlan, Some(20), "the VLAN of the mirrored port");
    }
    let ip = [&[0x20, 20, 0, 77, 1, 2, 3, 4, 0, 0, 2 << 2, 0], &hello()[..]].concat();
    has_nobody(&tunnelled(47, &gre(0x1000, 0x22eb, &[0, 0, 0, 1], &ip)));
}

#[test]
fn vxlan_on_both_ports_whatever_is_reserved() {
    let frame = client_frame(&hello());
    for port in [4789, 8472] {
        for flags in [[8, 0, 0, 0], [0xff, 0xff, 0xff, 0xff], [0x88, 0, 0, 99]] {
            has_the_client(&tunnelled(17, &udp(40_000, port, &vxlan(flags, &frame))));
        }
    }
    let padded = [frame, vec![0; 26]].concat();
    has_the_client(&tunnelled(17, &udp(40_000, 4789, &vxlan([8, 0, 0, 0], &padded))));
}

#[test]
fn geneve_with_and_without_options() {
    for options in [&[][..], &[1, 8, 2, 1, 0xaa, 0xbb, 0xcc, 0xdd], &[0; 252]] {
        has_the_client(&tunnelled(17, &udp(40_000, 6081, &geneve(0x6558, options, &client_frame(&hello())))));
        has_nobody(&tunnelled(17, &udp(40_000, 6081, &geneve(0x0800, options, &hello()))));
    }
}

#[test]
fn gtp_with_and_without_extension_headers() {
    let session = [0, 7, 0, 0x85, 1, 0x10, 9, 0];
    let two = [0, 7, 0, 0xc0, 1, 1, 2, 0x85, 2, 0, 9, 0, 0, 0, 0, 0];
    for (flags, options) in [(0, &[][..]), (2, &[0, 7, 0, 0]), (1, &[0, 0, 3, 0x85]), (4, &session), (7, &two)] {
        has_nobody(&tunnelled(17, &udp(2152, 2152, &gtp(flags, options, &hello()))));
        has_nobody(&tunnelled(17, &udp(2152, 31_000, &gtp(flags, options, &hello()))));
    }
}

#[test]
fn gre_and_mpls_over_udp() {
    has_nobody(&tunnelled(17, &udp(40_000, 4754, &gre(0x2000, 0x0800, &[0, 0, 0, 7], &hello()))));
    has_the_client(&tunnelled(17, &udp(40_000, 4754, &gre(0, 0x6558, &[], &client_frame(&hello())))));
    has_nobody(&tunnelled(17, &udp(40_000, 6635, &[&[0, 0, 0x11, 64], &hello()[..]].concat())));
}

#[test]
fn mirrors_of_routers_and_the_generic_vxlan() {
    let frame = client_frame(&hello());
    for tags in [&[1][..], &[0, 0, 10, 1, 0xc4, 1]] {
        has_the_client(&tunnelled(17, &udp(40_000, 37_008, &[&[1, 0, 0, 1], tags, &frame].concat())));
    }
    has_the_client(&tunnelled(17, &udp(40_000, 4790, &vxlan([0x0c, 0, 0, 3], &frame))));
    has_nobody(&tunnelled(17, &udp(40_000, 4790, &vxlan([0x0c, 0, 0, 1], &hello()))));
}

#[test]
fn ipv6_over_udp_and_ppp_over_udp() {
    let packet = ipv6(6, &tcp(50_000, 443, HELLO));
    let authentication = [&[0, 1, 2, 3], &[7; 5][..], &[9; 9]].concat();
    let origin = [0, 0, 0x0d, 0x0e, 1, 2, 3, 4];
    let ayiya = [&[0x44, 0x52, 0x11, 41, 1, 2, 3, 4], &[5; 36][..]].concat();
    let teredo = [vec![], origin.to_vec(), authentication.clone(), [&authentication[..], &origin].concat()];
    for (port, before) in teredo.into_iter().map(|start| (3544, start)).chain([(5072, ayiya)]) {
        let datagram = udp(50_123, port, &[&before[..], &packet].concat());
        let seen = on(LinkType::Ethernet, &client_frame(&ipv4(17, &datagram))).packet();
        assert_eq!((seen.dst.1, seen.payload.as_slice()), (443, HELLO));
        has_nobody(&seen);
    }
    let ppp = [&[0xff, 3, 0, 0x21], &hello()[..]].concat();
    has_nobody(&tunnelled(17, &udp(1701, 1701, &[&[0, 2, 0, 1, 0, 2], &ppp[..]].concat())));
    // With length, numbers and an offset.
    let len = (ppp.len() as u16 + 14).to_be_bytes();
    let header = [&[0x4a, 2], &len[..], &[0, 1, 0, 2, 0, 3, 0, 4, 0, 0]].concat();
    has_nobody(&tunnelled(17, &udp(1701, 1701, &[header, ppp].concat())));
}

#[test]
fn ethernet_and_mpls_in_ip() {
    has_the_client(&tunnelled(97, &[&[0x30, 0], &client_frame(&hello())[..]].concat()));
    has_nobody(&tunnelled(137, &[&[0, 0, 0x11, 64], &hello()[..]].concat()));
}

#[test]
fn what_a_tunnel_carries_beside_tcp_and_udp_is_counted_as_what_it_is() {
    let icmp = ipv4(1, &[3, 3, 0, 0, 0, 0, 0, 0]);
    let arp = ethernet(CLIENT_MAC, 0x0806, &[0, 1, 8, 0, 6, 4, 0, 1]);
    let of = |protocol, payload: &[u8]| on(LinkType::Ethernet, &routed(&ipv4(protocol, payload)));
    assert_eq!(of(17, &udp(9, 4789, &vxlan([8, 0, 0, 0], &client_frame(&icmp)))), Out::NotFlow(NotFlow::Icmp));
    assert_eq!(of(17, &udp(9, 4789, &vxlan([8, 0, 0, 0], &arp))), Out::NotFlow(NotFlow::Arp));
    assert_eq!(of(47, &gre(0, 0x6558, &[], &arp)), Out::NotFlow(NotFlow::Arp));
    assert_eq!(of(47, &gre(0, 0, &[], &[])), Out::NotFlow(NotFlow::OtherIp), "a keep-alive");
    assert_eq!(of(47, &[0x20]), Out::Malformed(Malformed::Tunnel));
    assert_eq!(of(97, &[0x40, 0, 1]), Out::Malformed(Malformed::Tunnel));
    assert_eq!(of(47, &gre(0x1000, 0x88be, &[0; 4], &[0x70; 40])), Out::Malformed(Malformed::Tunnel));
    assert_eq!(of(4, &[0x45, 0, 0]), Out::Malformed(Malformed::IpShort));
}

#[test]
fn authentication_headers_hide_nothing() {
    let header = [6, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9];
    tunnelled(51, &[&[4, 4], &header[2..], &hello()].concat());
    let seen = on(LinkType::RawIp, &ipv4(51, &[&header[..], &tcp(1, 2, HELLO)].concat())).packet();
    assert_eq!((seen.payload.as_slice(), seen.ip_len), (HELLO, 64 + HELLO.len() as u32));
}

#[test]
fn a_quotation_in_icmp_is_no_traffic() {
    let quoted = [&[3, 3, 0, 0, 0, 0, 0, 0], &hello()[..]].concat();
    assert_eq!(on(LinkType::RawIp, &ipv4(1, &quoted)), Out::NotFlow(NotFlow::Icmp));
    assert_eq!(on(LinkType::RawIp, &ipv6(58, &quoted)), Out::NotFlow(NotFlow::Icmp));
}
