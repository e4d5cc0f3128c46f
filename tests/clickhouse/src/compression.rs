//! The two framings of ClickHouse's HTTP interface: its own blocks in a request, LZ4 frames in a response.

use std::io::{self, Write};

use lz4_flex::block;
use lz4_flex::frame::FrameEncoder;

/// Checksum (16), method (1), size with this header (4), size of the content (4).
const CHECKSUM: usize = 16;
const HEADER: usize = 9;
const LZ4: u8 = 0x82;
const NONE: u8 = 0x02;

/// The content of a request with `decompress=1`: blocks of ClickHouse's native framing. Checksums are not looked at.
pub(crate) fn unframe(mut body: &[u8]) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    while !body.is_empty() {
        let broken = || io::Error::other("a compressed block is cut off");
        let header = body.get(CHECKSUM..CHECKSUM + HEADER).ok_or_else(broken)?;
        let size = |at: usize| header.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
        let (Some(framed), Some(plain)) = (size(1), size(5)) else { return Err(broken()) };
        let end = CHECKSUM + framed as usize;
        let data = body.get(CHECKSUM + HEADER..end).ok_or_else(broken)?;
        match header.first() {
            Some(&LZ4) => content.extend(block::decompress(data, plain as usize).map_err(io::Error::other)?),
            Some(&NONE) => content.extend_from_slice(data),
            method => return Err(io::Error::other(format!("unknown compression {method:?}"))),
        }
        body = body.get(end..).unwrap_or_default();
    }
    Ok(content)
}

/// An LZ4 frame around a response.
pub(crate) fn frame(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = FrameEncoder::new(Vec::new());
    encoder.write_all(content)?;
    encoder.finish().map_err(io::Error::other)
}
