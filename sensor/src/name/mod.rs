//! What a name is worth: whether an encrypted ClientHello hides another one, and which names the same client's DNS
//! answers allow for an address.

pub mod claims;
pub mod ech;
