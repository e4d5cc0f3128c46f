//! MPLS label stacks (RFC 3032). Nothing in them says what they carry: IP, or an Ethernet frame of a pseudowire with or
//! without control word (RFC 4448). What fits is taken; the first nibble alone is no proof (RFC 8469), since hardware
//! addresses begin with any.

use super::ether::{self, PADDING};
use super::reason::Stop;
use super::{Depth, Link, Malformed, NotFlow, Span, ip};
use crate::bytes::Reader;

/// Labels on one packet. Segment routing uses up to a dozen.
const MAX_LABELS: usize = 16;

/// The IP packet behind a label stack, whose depth was counted before.
pub(super) fn inside<'a>(span: Span<'a>, link: &mut Link, depth: &mut Depth) -> Result<Span<'a>, Stop> {
    let inner = unstack(span)?;
    if ip::fits(inner, PADDING) {
        // Six bytes of an address fit too now and then; an Ethernet header with its packet does not by chance.
        if let Some(Ok(packet)) = ether::likely_ethernet(inner, link, depth) {
            return Ok(packet);
        }
        (link.src, link.dst) = (None, None);
        return Ok(inner);
    }
    if let [first, _, _, _, rest @ ..] = inner.data
        && first >> 4 == 0
        && let Some(found) = ether::likely_ethernet(inner.after(rest), link, depth)
    {
        return found;
    }
    ether::likely_ethernet(inner, link, depth).unwrap_or(Err(NotFlow::OtherLink.into()))
}

/// Passes over the labels to the one that is marked as the last.
fn unstack(span: Span<'_>) -> Result<Span<'_>, Stop> {
    let mut r = Reader::new(span.data);
    for _ in 0..MAX_LABELS {
        let [_, _, bottom, _] = r.array()?;
        if bottom & 1 == 1 {
            return Ok(span.after(r.rest()));
        }
    }
    Err(Malformed::TooDeep.into())
}
