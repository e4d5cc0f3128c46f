//! Packets in, facts out.
//!
//! The data's path is the order of these modules: [`capture`] gives frames, [`decode`] finds addresses, ports and
//! payload, [`flow`] keeps the table and probes what has no name yet with the [`assemble`]r and the [`dissect`]ors,
//! [`name`] weighs the evidence, [`device`] knows who has an address, [`worker`] joins them into [`record`]s with their [`ledger`], [`team`] is several of them, and [`spool`] hands
//! those over. The crate holds facts alone: it knows no policy, reads no clock on the packet path and stores no
//! content (decision records 1 and 5).

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

pub mod capture;
pub mod decode;
pub mod flow;
pub mod assemble;
pub mod dissect;
pub mod device;
pub mod name;
pub mod worker;
pub mod team;
pub mod ledger;
pub mod output;
pub mod record;
pub mod spool;

pub mod bytes;
pub mod clock;
pub mod local;
