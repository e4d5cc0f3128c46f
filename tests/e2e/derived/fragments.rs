//! IPv4 datagrams in fragments (RFC 791 section 3.2).

use super::capture::{Timed, layers};

/// Cuts each IPv4 datagram into fragments of at most `size` bytes. A datagram in fragments already stays as it is.
pub(super) fn cut(frames: &[Timed], size: usize, reversed: bool) -> Vec<Timed> {
    let mut out = Vec::new();
    for (n, (time, (data, len))) in frames.iter().enumerate() {
        let whole = layers(data).filter(|at| at.v4 && at.end - at.transport > size);
        let Some(at) = whole else {
            out.push((*time, (data.clone(), *len)));
            continue;
        };
        let (head, body) = (&data[..at.transport], &data[at.transport..at.end]);
        let mut parts: Vec<Timed> = body
            .chunks(size)
            .enumerate()
            .map(|(i, part)| {
                let mut frame = [head, part].concat();
                let end = frame.len();
                at.set_length(&mut frame, end);
                // Hosts number datagrams that may not be cut with zero: here each needs its own number.
                frame[at.ip + 4..at.ip + 6].copy_from_slice(&(n as u16).to_be_bytes());
                let more = if (i + 1) * size < body.len() { 0x2000 } else { 0 };
                frame[at.ip + 6..at.ip + 8].copy_from_slice(&((i * size / 8) as u16 | more).to_be_bytes());
                (*time, (frame, end))
            })
            .collect();
        if reversed {
            parts.reverse();
        }
        out.extend(parts);
    }
    out
}
