//! The builder of QUIC packets against the appendices of RFC 9001 and RFC 9369.

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};

use crate::wire::quic::{CLIENT, Keys, SERVER, VERSIONS};

const DCID: [u8; 8] = *b"\x83\x94\xc8\xf0\x3e\x51\x57\x08";

/// RFC 9001 appendix A.2: the CRYPTO frame of the sample packet.
const FRAME: &str = "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c\
    00000413011302010000c000000010000e00000b6578616d706c652e636f6dff01000100000a00080006001d00170018\
    00100007000504616c706e000500050100000000003300260024001d00209370b2c9caa47fbabaf4559fedba753de171\
    fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e0403050306030203080408050806002d00020101\
    001c00024001003900320408ffffffffffffffff05048000ffff07048000ffff0801100104800075300901100f088394\
    c8f03e51570806048000ffff";

fn bytes(hex: &str) -> Vec<u8> {
    HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).unwrap()
}

fn hex(keys: &Keys) -> [String; 3] {
    [HEXLOWER.encode(&keys.key), HEXLOWER.encode(&keys.iv), HEXLOWER.encode(&keys.hp)]
}

/// RFC 9001 appendix A.1, RFC 9369 appendix A.1.
#[test]
fn keys_of_the_appendices() {
    let [v1, v2, _] = &VERSIONS;
    assert_eq!(
        hex(&Keys::new(v1, &DCID, CLIENT)),
        ["1f369613dd76d5467730efcbe3b1a22d", "fa044b2f42a3fd3b46fb255c", "9f50449e04a0e810283a1e9933adedd2"]
    );
    assert_eq!(
        hex(&Keys::new(v1, &DCID, SERVER)),
        ["cf3a5331653c364c88f0f379b6067e37", "0ac1493ca1905853b0bba03e", "c206b8d9b9f0f37644430b490eeaa314"]
    );
    assert_eq!(
        hex(&Keys::new(v2, &DCID, CLIENT)),
        ["8b1a0bc121284290a29e0971b5cd045d", "91f73e2351d8fa91660e909f", "45b95e15235d6f45a6b19cbcb0294ba9"]
    );
}

/// RFC 9001 appendix A.2: the header, the start and the tag of the protected packet.
#[test]
fn the_packet_of_rfc_9001() {
    let header = bytes("c300000001088394c8f03e5157080000449e00000002");
    let mut payload = bytes(FRAME);
    payload.resize(1162, 0);
    let packet = Keys::new(&VERSIONS[0], &DCID, CLIENT).seal(&header, 2, &payload);
    assert_eq!(packet.len(), 1200);
    let start = "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11d242b123dc9b";
    assert_eq!(HEXLOWER.encode(&packet[..38]), start);
    assert_eq!(HEXLOWER.encode(&packet[1184..]), "e221af44860018ab0856972e194cd934");
}
