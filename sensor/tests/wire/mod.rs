//! Builders of what stands on a wire: ClientHellos, TLS records, TCP and UDP packets, QUIC Initials; and the bench that
//! shows them to a worker.

pub(crate) mod bench;
pub(crate) mod cut;
pub(crate) mod hello;
pub(crate) mod packet;
pub(crate) mod quic;
