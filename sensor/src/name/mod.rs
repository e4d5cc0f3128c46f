//! What a name is worth: whether an encrypted ClientHello hides another one, and which names the same client's DNS
//! answers allow for an address. And what the network says about encrypted DNS.

pub mod canary;
pub mod claims;
pub mod configs;
pub mod ech;
