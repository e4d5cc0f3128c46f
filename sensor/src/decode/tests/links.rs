//! What interfaces and switches put around a packet.

use super::*;

#[track_caller]
fn is_hello(out: Out) -> Seen {
    let seen = out.packet();
    assert_eq!((seen.src.1, seen.payload.as_slice()), (50_000, HELLO));
    seen
}

fn tags(types: &[u16], packet: &[u8]) -> Vec<u8> {
    let mut payload = [&type_of(packet).to_be_bytes()[..], packet].concat();
    for (i, tag) in types.iter().enumerate().rev() {
        payload = [&tag.to_be_bytes()[..], &[0xe0, 10 + i as u8], &payload].concat();
    }
    [&SERVER_MAC[..], &CLIENT_MAC, &payload].concat()
}

#[test]
fn up_to_four_tags_of_any_kind() {
    for types in [&[0x8100][..], &[0x88a8, 0x8100], &[0x8100, 0x8100], &[0x9100, 0x8100, 0x8100], &[0x8100; 4]] {
        let seen = is_hello(on(LinkType::Ethernet, &tags(types, &hello())));
        assert_eq!((seen.link.src, seen.link.vlan), (Some(CLIENT_MAC), Some(9 + types.len() as u16)));
    }
    let five = on(LinkType::Ethernet, &tags(&[0x8100; 5], &hello()));
    assert_eq!(five, Out::Malformed(Malformed::TooDeep));
}

#[test]
fn tags_of_switch_extenders_and_backbones() {
    let vn = [&[0x80, 0, 0, 1, 8, 0], &hello()[..]].concat();
    is_hello(on(LinkType::Ethernet, &ethernet(CLIENT_MAC, 0x8926, &vn)));
    let e = [&[0, 0, 0, 1, 0, 0, 8, 0], &hello()[..]].concat();
    is_hello(on(LinkType::Ethernet, &ethernet(CLIENT_MAC, 0x893f, &e)));
    let backbone = [&[0, 0, 0, 9], &client_frame(&hello())[..]].concat();
    let seen = is_hello(on(LinkType::Ethernet, &ethernet(ROUTER_MAC, 0x88e7, &backbone)));
    assert_eq!(seen.link.src, Some(CLIENT_MAC));
}

#[test]
fn mpls_with_ip_with_ethernet_and_with_a_control_word() {
    let labels = [0, 1, 0x10, 64, 0, 2, 0x21, 64];
    let bare = is_hello(on(LinkType::Ethernet, &ethernet(ROUTER_MAC, 0x8847, &[&labels, &hello()[..]].concat())));
    assert_eq!(bare.link.src, None);
    // Addresses that begin with a nibble of 0, 4 and 6 look like a control word, IPv4 and IPv6.
    for first in [0x00, 0x02, 0x45, 0x60] {
        let mut frame = client_frame(&hello());
        frame[0] = first;
        let word = [&[0, 0, 0, 7], &frame[..]].concat();
        for inner in [frame, word] {
            let outer = ethernet(ROUTER_MAC, 0x8847, &[&labels, &inner[..]].concat());
            let seen = is_hello(on(LinkType::Ethernet, &outer));
            assert_eq!(seen.link.src, Some(CLIENT_MAC), "{first:#x}");
        }
    }
    let endless = ethernet(ROUTER_MAC, 0x8847, &[0; 80]);
    assert_eq!(on(LinkType::Ethernet, &endless), Out::Malformed(Malformed::TooDeep));
    let unknown = ethernet(ROUTER_MAC, 0x8847, &[&labels, &[0x77; 60][..]].concat());
    assert_eq!(on(LinkType::Ethernet, &unknown), Out::NotFlow(NotFlow::OtherLink));
}

#[test]
fn pppoe_sessions_keep_the_address_of_the_client() {
    let session = |protocol: &[u8], packet: &[u8]| {
        let [high, low] = ((protocol.len() + packet.len()) as u16).to_be_bytes();
        let payload = [&[0x11, 0, 0, 1, high, low], protocol, packet, &[0; 6]].concat();
        on(LinkType::Ethernet, &ethernet(CLIENT_MAC, 0x8864, &payload))
    };
    for protocol in [&[0, 0x21][..], &[0x21]] {
        assert_eq!(is_hello(session(protocol, &hello())).link.src, Some(CLIENT_MAC));
    }
    is_hello(session(&[0, 0x57], &ipv6(6, &tcp(50_000, 443, HELLO))));
    assert_eq!(session(&[0xc0, 0x21], &[9, 1, 0, 4]), Out::NotFlow(NotFlow::OtherLink));
}

#[test]
fn llc_with_snap_and_with_ip() {
    let snap = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &hello()[..]].concat();
    let ip = [&[6, 6, 3], &hello()[..]].concat();
    for payload in [snap, ip] {
        is_hello(on(LinkType::Ethernet, &ethernet(CLIENT_MAC, payload.len() as u16, &payload)));
    }
    let bridge = ethernet(CLIENT_MAC, 38, &[0x42, 0x42, 3, 0, 0, 0, 0, 0]);
    assert_eq!(on(LinkType::Ethernet, &bridge), Out::NotFlow(NotFlow::OtherLink));
}

#[test]
fn loopback_in_either_byte_order() {
    for family in [[2, 0, 0, 0], [0, 0, 0, 2]] {
        is_hello(on(LinkType::Loopback, &[&family, &hello()[..]].concat()));
    }
    for family in [10, 24, 28, 30] {
        let packet = ipv6(6, &tcp(50_000, 443, HELLO));
        is_hello(on(LinkType::Loopback, &[&[family, 0, 0, 0], &packet[..]].concat()));
        is_hello(on(LinkType::Loopback, &[&[0, 0, 0, family], &packet[..]].concat()));
    }
    let other = [&[7, 0, 0, 0], &hello()[..]].concat();
    assert_eq!(on(LinkType::Loopback, &other), Out::NotFlow(NotFlow::OtherLink));
}

#[test]
fn ppp_with_each_framing() {
    for start in [&[0xff, 3, 0, 0x21][..], &[0, 0x21], &[0x21], &[0x0f, 0, 8, 0], &[0xff, 3, 2, 0x81, 0, 0, 1, 64]]
    {
        is_hello(on(LinkType::Ppp, &[start, &hello()].concat()));
    }
}

#[test]
fn cooked_captures_of_both_versions() {
    let v1 = [&[0, 0, 0, 1, 0, 6], &CLIENT_MAC[..], &[0, 0, 8, 0], &hello()].concat();
    assert_eq!(is_hello(on(LinkType::LinuxSll, &v1)).link.src, Some(CLIENT_MAC));
    let v2 = [&[8, 0, 0, 0, 0, 0, 0, 3, 0, 1, 0, 6], &CLIENT_MAC[..], &[0, 0], &hello()].concat();
    assert_eq!(is_hello(on(LinkType::LinuxSll2, &v2)).link.src, Some(CLIENT_MAC));
    let llc = [&[0, 0, 0, 1, 0, 6], &CLIENT_MAC[..], &[0, 0, 0, 4, 6, 6, 3], &hello()].concat();
    is_hello(on(LinkType::LinuxSll, &llc));
}

/// An 802.11 data frame; `end` is what follows the sequence control.
fn wireless(control: u8, flags: u8, addresses: [[u8; 6]; 3], end: &[u8]) -> Vec<u8> {
    [&[control, flags, 0, 0], addresses.as_flattened(), &[0x10, 0], end].concat()
}

#[test]
fn wireless_data_in_each_direction() {
    let (ap, c, s) = (ROUTER_MAC, CLIENT_MAC, SERVER_MAC);
    let snap = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &hello()[..]].concat();
    for (flags, addresses) in [(0, [s, c, ap]), (1, [ap, c, s]), (2, [s, ap, c])] {
        let link = is_hello(on(LinkType::Ieee80211, &wireless(8, flags, addresses, &snap))).link;
        assert_eq!((link.src, link.dst), (Some(c), Some(s)));
        let quality = [&[0, 0], &snap[..]].concat();
        is_hello(on(LinkType::Ieee80211, &wireless(0x88, flags, addresses, &quality)));
        let ordered = [&[0, 0, 1, 2, 3, 4], &snap[..]].concat();
        is_hello(on(LinkType::Ieee80211, &wireless(0x88, flags | 0x80, addresses, &ordered)));
    }
    let bridged = [&c, &snap[..]].concat();
    let link = is_hello(on(LinkType::Ieee80211, &wireless(8, 3, [ap, ap, s], &bridged))).link;
    assert_eq!((link.src, link.dst), (Some(c), Some(s)));
    let [high, low] = (snap.len() as u16).to_be_bytes();
    let aggregated = [&[0x80, 0], &s[..], &c, &[high, low], &snap].concat();
    is_hello(on(LinkType::Ieee80211, &wireless(0x88, 1, [ap, c, s], &aggregated)));
}

#[test]
fn wireless_frames_without_a_packet_have_their_words() {
    let all = [SERVER_MAC; 3];
    let of = |control, flags, end: &[u8]| on(LinkType::Ieee80211, &wireless(control, flags, all, end));
    assert_eq!(of(8, 0x40, &[0; 40]), Out::NotFlow(NotFlow::Protected));
    assert_eq!(of(0x88, 0x41, &[0; 40]), Out::NotFlow(NotFlow::Protected));
    assert_eq!(of(0x48, 0, &[]), Out::NotFlow(NotFlow::OtherLink), "without data");
    assert_eq!(of(0x80, 0, &[0; 40]), Out::NotFlow(NotFlow::OtherLink), "a beacon");
    assert_eq!(of(8, 0x04, &[0; 40]), Out::NotFlow(NotFlow::OtherLink), "a part of a frame");
    assert_eq!(on(LinkType::Ieee80211, &[8, 0, 0]), Out::Malformed(Malformed::LinkShort));
}

#[test]
fn radiotap_with_and_without_padding() {
    let snap = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &hello()[..]].concat();
    let frame = wireless(0x88, 1, [ROUTER_MAC, CLIENT_MAC, SERVER_MAC], &[&[0, 0], &snap[..]].concat());
    is_hello(on(LinkType::Radiotap, &[&[0, 0, 8, 0, 0, 0, 0, 0], &frame[..]].concat()));
    // 24 bytes and two of quality: two more of padding. A time before the flags, and a second word of fields.
    let padded = wireless(0x88, 1, [ROUTER_MAC, CLIENT_MAC, SERVER_MAC], &[&[0, 0, 0, 0], &snap[..]].concat());
    let plain = [&[0, 0, 9, 0, 2, 0, 0, 0, 0x20], &padded[..]].concat();
    let timed = [&[0, 0, 25, 0, 3, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0], &[1; 8][..], &[0x20], &padded].concat();
    for whole in [plain, timed] {
        is_hello(on(LinkType::Radiotap, &whole));
    }
    assert_eq!(on(LinkType::Radiotap, &[0, 0, 200, 0, 0]), Out::Malformed(Malformed::LinkShort));
}

#[test]
fn netfilter_logs_in_either_byte_order() {
    let packet = hello();
    for little in [true, false] {
        let field = |n: u16| if little { n.to_le_bytes() } else { n.to_be_bytes() };
        let head = [&field(8)[..], &field(1), &[8, 0, 3, 0]].concat();
        let address = [&field(16)[..], &field(8), &[0, 6, 0, 0], &CLIENT_MAC, &[0, 0]].concat();
        let prefix = [&field(5)[..], &field(10), &[0, 0, 0, 0]].concat();
        let payload = [&field(4 + packet.len() as u16)[..], &field(9), &packet].concat();
        let frame = [&[2, 0, 0, 5], &head[..], &address, &prefix, &payload].concat();
        let seen = is_hello(on(LinkType::Nflog, &frame));
        assert_eq!(seen.link.src, Some(CLIENT_MAC), "{little}");
    }
    assert_eq!(on(LinkType::Nflog, &[2, 0, 0, 5, 0, 0, 0, 0]), Out::NotFlow(NotFlow::OtherLink));
}

#[test]
fn super_frames_and_padding() {
    let mut packet = hello();
    packet[2..4].copy_from_slice(&[0, 0]);
    let seen = is_hello(on(LinkType::Ethernet, &client_frame(&packet)));
    assert_eq!(seen.ip_len, packet.len() as u32, "length 0 is the frame's");
    let padded = [client_frame(&hello()), vec![0; 30]].concat();
    assert_eq!(is_hello(on(LinkType::Ethernet, &padded)).payload_len, HELLO.len() as u32);
    let big = vec![7; 100_000];
    let mut huge = ipv4(6, &tcp(50_000, 443, &big));
    huge[2..4].copy_from_slice(&[0, 0]);
    let tunnel = vxlan([8, 0, 0, 0], &client_frame(&huge));
    let mut outer = ipv4(17, &udp(1, 4789, &tunnel));
    outer[2..4].copy_from_slice(&[0, 0]);
    outer[24..26].copy_from_slice(&[0, 0]);
    assert_eq!(on(LinkType::Ethernet, &routed(&outer)).packet().payload_len, 100_000);
}
