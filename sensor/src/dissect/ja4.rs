//! JA4, the TLS client fingerprint (FoxIO, BSD-3-Clause). Of the JA4+ family only this one is free to use.

use std::fmt::Write;

use data_encoding::HEXLOWER;
use ring::digest::{SHA256, digest};

use super::client_hello::{ClientHello, extension};

/// Which transport carried the hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// TLS over TCP.
    Tcp,
    /// QUIC.
    Quic,
}

/// What the fingerprint of a hello is made of. Making it costs more than reading the hello did, and few flows need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Print {
    /// Without names and protocols, which borrow from the message.
    hello: ClientHello<'static>,
    alpn: [char; 2],
    over: Over,
}

impl Print {
    /// Keeps what is needed of a hello.
    pub fn of(hello: ClientHello<'_>, over: Over) -> Self {
        let alpn = alpn_ends(hello.alpn.first().copied().unwrap_or_default());
        Self { hello: hello.without_names(), alpn, over }
    }

    /// The JA4 fingerprint.
    pub fn ja4(&self) -> String {
        fingerprint(&self.hello, self.alpn, self.over)
    }
}

/// The JA4 fingerprint, `t13d1516h2_8daaf6152771_d8a2da3f94cd` for example.
pub fn ja4(hello: &ClientHello<'_>, over: Over) -> String {
    fingerprint(hello, alpn_ends(hello.alpn.first().copied().unwrap_or_default()), over)
}

fn fingerprint(hello: &ClientHello<'_>, [first, last]: [char; 2], over: Over) -> String {
    let ciphers: Vec<u16> = real(&hello.ciphers);
    let extensions: Vec<u16> = real(&hello.extensions);
    let mut print = format!(
        "{}{}{}{:02}{:02}",
        if over == Over::Quic { 'q' } else { 't' },
        version(hello),
        if hello.has_sni_extension() { 'd' } else { 'i' },
        ciphers.len().min(99),
        extensions.len().min(99),
    );
    print.extend([first, last, '_']);
    print.push_str(&short_hash(&sorted_list(ciphers)));
    print.push('_');
    let hashed =
        extensions.into_iter().filter(|e| ![extension::SERVER_NAME, extension::ALPN].contains(e)).collect();
    let mut text = sorted_list(hashed);
    if !text.is_empty() && !hello.signature_algorithms.is_empty() {
        text.push('_');
        text.push_str(&list(&real(&hello.signature_algorithms)));
    }
    print.push_str(&short_hash(&text));
    print
}

/// Without GREASE values (RFC 8701).
fn real(values: &[u16]) -> Vec<u16> {
    values.iter().copied().filter(|&v| !is_grease(v)).collect()
}

/// True for a value that clients send so that servers learn to ignore unknown ones (RFC 8701).
pub fn is_grease(value: u16) -> bool {
    let [high, low] = value.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

fn version(hello: &ClientHello<'_>) -> &'static str {
    let offered = hello.versions.iter().copied().filter(|&v| !is_grease(v)).max();
    match offered.unwrap_or(hello.legacy_version) {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        0x0002 => "s2",
        0xfeff => "d1",
        0xfefd => "d2",
        0xfefc => "d3",
        _ => "00",
    }
}

/// First and last character of the first protocol; of its hexadecimal form when either is not alphanumeric.
fn alpn_ends(protocol: &[u8]) -> [char; 2] {
    let (Some(&first), Some(&last)) = (protocol.first(), protocol.last()) else { return ['0', '0'] };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        return [char::from(first), char::from(last)];
    }
    let hex = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    [hex(first >> 4), hex(last & 0x0f)]
}

fn sorted_list(mut values: Vec<u16>) -> String {
    values.sort_unstable();
    list(&values)
}

fn list(values: &[u16]) -> String {
    let mut text = String::with_capacity(values.len().saturating_mul(5));
    for (i, value) in values.iter().enumerate() {
        if i > 0 {
            text.push(',');
        }
        // Writing to a String cannot fail.
        let _ = write!(text, "{value:04x}");
    }
    text
}

fn short_hash(text: &str) -> String {
    if text.is_empty() {
        return "000000000000".to_owned();
    }
    let digest = digest(&SHA256, text.as_bytes());
    HEXLOWER.encode(digest.as_ref().get(..6).unwrap_or_default())
}
