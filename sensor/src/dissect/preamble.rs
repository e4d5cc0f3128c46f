//! What a client sends before its ClientHello, when both come in one segment: the words of another protocol that hands
//! the stream over to TLS.
//!
//! Nearly always the client waits for an answer first, and the hello begins a segment. Some do not wait. A hello is
//! looked for only behind words that end, so that a file which holds one is not taken for a connection.

use crate::bytes::{Reader, Short};

use super::tls::may_begin_hello;

/// The start of a PROXY header, version 2 (haproxy.org, proxy-protocol.txt section 2.2).
const PROXY_V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Bytes of the longest PROXY header, version 1 (section 2.1).
const MAX_PROXY_V1: usize = 107;

/// Where in `bytes` a ClientHello may begin behind what another protocol says: the rest begins as a hello does.
pub fn hello_behind(bytes: &[u8]) -> Option<usize> {
    let fixed = [proxy(bytes), socks5(bytes), socks4(bytes), tds(bytes)];
    let found = fixed.into_iter().filter_map(Result::ok).find(|&at| hello_at(bytes, at));
    found.or_else(|| lines(bytes))
}

fn hello_at(bytes: &[u8], at: usize) -> bool {
    at > 0 && bytes.get(at..).is_some_and(may_begin_hello)
}

/// Lines of text, as of SMTP, IMAP, POP3, FTP, HTTP CONNECT and the PROXY header, version 1, or the tags of XMPP.
fn lines(bytes: &[u8]) -> Option<usize> {
    let text = bytes.iter().position(|b| *b < b' ' && !b"\t\r\n".contains(b)).unwrap_or(bytes.len());
    let ends = bytes.get(text.checked_sub(1)?).is_some_and(|last| b"\n>".contains(last));
    Some(text).filter(|&at| ends && hello_at(bytes, at))
}

/// Behind a PROXY header, when it is whole: the stream itself begins there.
pub fn proxied(bytes: &[u8]) -> Option<usize> {
    let end = || bytes.iter().take(MAX_PROXY_V1).position(|&b| b == b'\n')?.checked_add(1);
    let line = || bytes.strip_prefix(b"PROXY ").and_then(|_| end());
    proxy(bytes).ok().or_else(line)
}

/// True when a client asks a relay to connect it: what follows is another protocol's stream (SOCKS 4 and 5).
pub fn asks_relay(bytes: &[u8]) -> bool {
    match bytes {
        [4, 1 | 2, ..] => true,
        [5, methods, offered @ ..] => usize::from(*methods) == offered.len() && *methods > 0,
        _ => false,
    }
}

/// Behind a PROXY header, version 2.
fn proxy(bytes: &[u8]) -> Result<usize, Short> {
    let mut r = Reader::new(bytes.strip_prefix(PROXY_V2).ok_or(Short)?);
    r.skip(2)?;
    r.vec16()?;
    Ok(bytes.len().saturating_sub(r.left()))
}

/// Behind the header of a packet of TDS, as SQL Server's clients wrap TLS (MS-TDS section 2.2.3.1: a PRELOGIN packet).
fn tds(bytes: &[u8]) -> Result<usize, Short> {
    let mut r = Reader::new(bytes);
    version(&mut r, 0x12)?;
    let (status, length) = (r.u8()?, r.u16()?);
    r.skip(4)?;
    if status > 1 || length <= 8 { Err(Short) } else { Ok(8) }
}

/// Behind a request of SOCKS 5 (RFC 1928 sections 3 and 4), with or without the greeting before it.
fn socks5(bytes: &[u8]) -> Result<usize, Short> {
    let mut r = Reader::new(bytes);
    if !matches!(bytes, [5, 1, 0, 1 | 3 | 4, ..]) {
        version(&mut r, 5)?;
        r.vec8()?;
    }
    version(&mut r, 5)?;
    r.skip(2)?;
    match r.u8()? {
        1 => r.skip(4)?,
        3 => r.vec8().map(drop)?,
        4 => r.skip(16)?,
        _ => return Err(Short),
    }
    r.skip(2)?;
    Ok(bytes.len().saturating_sub(r.left()))
}

/// Behind a request of SOCKS 4 or 4a.
fn socks4(bytes: &[u8]) -> Result<usize, Short> {
    let mut r = Reader::new(bytes);
    version(&mut r, 4)?;
    r.skip(3)?;
    let address = r.u32()?;
    text(&mut r)?;
    // An address of 0.0.0.x says that the name follows.
    if (1..256).contains(&address) {
        text(&mut r)?;
    }
    Ok(bytes.len().saturating_sub(r.left()))
}

/// The first byte, which says what protocol it is.
fn version(r: &mut Reader<'_>, expected: u8) -> Result<(), Short> {
    if r.u8()? == expected { Ok(()) } else { Err(Short) }
}

/// Passes over text that ends in a zero byte.
fn text(r: &mut Reader<'_>) -> Result<(), Short> {
    while r.u8()? != 0 {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03random";

    #[test]
    fn a_hello_behind_the_words_of_others() {
        let words: [&[u8]; 10] = [
            b"STARTTLS\r\n",
            b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n",
            b"PROXY TCP4 10.0.0.1 10.0.0.2 40000 443\r\n",
            b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
            b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\x0a\0\0\x01\x0a\0\0\x02\x9c\x40\x01\xbb",
            b"\x05\x01\x00\x05\x01\x00\x03\x09a.example\x01\xbb",
            b"\x05\x01\x00\x01\x0a\0\0\x02\x01\xbb",
            b"\x04\x01\x01\xbb\0\0\0\x01me\0a.example\0",
            b"\x04\x01\x01\xbb\x0a\0\0\x02me\0",
            b"\x12\x01\x02\x05\0\0\0\0",
        ];
        for word in words {
            for kept in 1..=HELLO.len() {
                let stream = [word, &HELLO[..kept]].concat();
                assert_eq!(hello_behind(&stream), Some(word.len()), "{kept}: {word:?}");
            }
            for end in 0..=word.len() {
                assert_eq!(hello_behind(&word[..end]), None, "{end}: {word:?}");
            }
        }
    }

    #[test]
    fn streams_behind_relays() {
        assert_eq!(proxied(b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\nGET "), Some(34));
        assert_eq!(proxied(b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00GET "), Some(16));
        let long = [b"PROXY UNKNOWN ", &[b'f'; 93][..], b"\r\n"].concat();
        assert_eq!([proxied(&long), proxied(&long[..14])], [None, None], "longer than any");
        assert_eq!([proxied(b"PROXY TCP4 10"), proxied(b"GET / HTTP/1.1\n")], [None, None]);
        assert!(asks_relay(b"\x05\x02\x00\x02") && asks_relay(b"\x04\x01\x00\x50\x0a\x00\x00\x02\x00"));
        assert!(!asks_relay(b"\x05\x02\x00") && !asks_relay(b"\x05\x00") && !asks_relay(b"GET"));
    }

    #[test]
    fn a_file_that_holds_a_hello_is_no_connection() {
        for before in [
            &b"\xd4\xc3\xb2\xa1\x02\0\x04\0"[..],
            b"\0\0\0\n",
            b"text without an end",
            b"",
            b"\x05\x01",
            b"\x04\x01",
        ] {
            assert_eq!(hello_behind(&[before, HELLO].concat()), None, "{before:?}");
        }
    }
}
