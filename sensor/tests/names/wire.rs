//! Frames as the tests need them.

/// Address and port.
pub(crate) type End = ([u8; 4], u16);

pub(crate) const ACK: u8 = 0x10;
pub(crate) const SYN: u8 = 0x02;
pub(crate) const RST: u8 = 0x04;
pub(crate) const RESOLVER: End = ([10, 0, 0, 1], 53);

fn ip(protocol: u8, src: [u8; 4], dst: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let len = (20 + payload.len() as u16).to_be_bytes();
    let header = [&[0x45, 0][..], &len, &[0, 0, 0, 0, 64, protocol, 0, 0], &src, &dst].concat();
    [header, payload.to_vec()].concat()
}

pub(crate) fn tcp(from: End, to: End, seq: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let ports = [from.1.to_be_bytes(), to.1.to_be_bytes()].concat();
    let header = [&ports[..], &seq.to_be_bytes(), &[0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]].concat();
    ip(6, from.0, to.0, &[&header, payload].concat())
}

pub(crate) fn udp(from: End, to: End, payload: &[u8]) -> Vec<u8> {
    let len = (8 + payload.len() as u16).to_be_bytes();
    let header = [&from.1.to_be_bytes()[..], &to.1.to_be_bytes(), &len, &[0, 0]].concat();
    ip(17, from.0, to.0, &[&header, payload].concat())
}

fn vec16(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes(), bytes].concat()
}

/// A name on the wire; the labels of `name` as they are.
pub(crate) fn labels(name: &str) -> Vec<u8> {
    let label = |label: &str| [&[label.len() as u8], label.as_bytes()].concat();
    let labels: Vec<u8> = name.split('.').filter(|part| !part.is_empty()).flat_map(label).collect();
    [labels, vec![0]].concat()
}

fn message(id: u16, flags: u16, answers: u16, name: &str, qtype: u16, body: &[u8]) -> Vec<u8> {
    let head = [id, flags, 1, answers, 0, 0].map(u16::to_be_bytes).concat();
    [&head[..], &labels(name), &qtype.to_be_bytes(), &[0, 1], body].concat()
}

/// A question.
pub(crate) fn query(id: u16, name: &str, qtype: u16) -> Vec<u8> {
    message(id, 0x0100, 0, name, qtype, b"")
}

/// An answer with records: type, TTL and data of each. The owner is the question's name.
pub(crate) fn answer(id: u16, name: &str, qtype: u16, records: &[(u16, u32, Vec<u8>)]) -> Vec<u8> {
    let record = |(kind, ttl, data): &(u16, u32, Vec<u8>)| {
        [&[0xc0, 12][..], &kind.to_be_bytes(), &[0, 1], &ttl.to_be_bytes(), &vec16(data)].concat()
    };
    let body: Vec<u8> = records.iter().flat_map(record).collect();
    message(id, 0x8180, records.len() as u16, name, qtype, &body)
}

/// The data of an HTTPS record with hints and the public name of a configuration.
pub(crate) fn https(hints: &[[u8; 4]], public: Option<&str>) -> Vec<u8> {
    let parameter = |key: u16, value: &[u8]| [&key.to_be_bytes()[..], &vec16(value)].concat();
    let mut data = [b"\0\x01\0".to_vec(), parameter(1, b"\x02h2")].concat();
    if !hints.is_empty() {
        data.extend(parameter(4, &hints.concat()));
    }
    if let Some(public) = public {
        let key = [&[7, 0, 0x20][..], &vec16(&[9; 32]), &vec16(&[0, 1, 0, 1])].concat();
        let contents = [&key[..], &[0, public.len() as u8], public.as_bytes(), &[0, 0]].concat();
        data.extend(parameter(5, &vec16(&[&[0xfe, 0x0d][..], &vec16(&contents)].concat())));
    }
    data
}

/// A TLS record with a ClientHello; with `ech` it has the extension of encrypted hellos, real or not.
pub(crate) fn hello(sni: Option<&str>, ech: bool) -> Vec<u8> {
    record(&client_hello(sni, ech, &[]))
}

/// A TLS record with a handshake message.
pub(crate) fn record(message: &[u8]) -> Vec<u8> {
    [&[22, 3, 1], &vec16(message)[..]].concat()
}

/// A ClientHello that offers these application protocols.
pub(crate) fn client_hello(sni: Option<&str>, ech: bool, alpn: &[&str]) -> Vec<u8> {
    let mut extensions = Vec::new();
    if let Some(name) = sni {
        let sni = vec16(&[&[0], &vec16(name.as_bytes())[..]].concat());
        extensions.extend([&[0, 0], &vec16(&sni)[..]].concat());
    }
    if !alpn.is_empty() {
        let list: Vec<u8> = alpn.iter().flat_map(|id| [&[id.len() as u8], id.as_bytes()].concat()).collect();
        extensions.extend([&[0, 16], &vec16(&vec16(&list))[..]].concat());
    }
    if ech {
        extensions.extend([&[0xfe, 0x0d], &vec16(&[0x55; 186])[..]].concat());
    }
    let body = [&[3, 3][..], &[7; 32], &[0, 0, 2, 0x13, 0x01, 1, 0], &vec16(&extensions)].concat();
    [&[1, 0], &vec16(&body)[..]].concat()
}
