//! What workers whose packets the kernel deals out tell each other: what DNS told clients, and who has which address.
//!
//! The kernel deals by five-tuple, so a client's DNS and the flow that it leads to are seldom one worker's. Nothing here
//! is asked on the hot path: it is written at a DNS answer and at the first packet of each direction of a flow, and read
//! when a flow without a name is decided and when a record is written. So one lock for each suffices. A worker that sees
//! all packets of its clients has a knowledge of its own, and its locks are always free.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::budget::Budget;
use crate::device::Devices;
use crate::name::claims::Claims;
use crate::name::configs::Configs;
use crate::name::ech::PublicNames;

/// What is known of clients and of the network.
#[derive(Debug, Default)]
pub struct Knowledge {
    claims: Mutex<Claims>,
    configs: Mutex<Configs>,
    public_names: Mutex<PublicNames>,
    devices: Mutex<Devices>,
    budget: Mutex<Budget>,
}

impl Knowledge {
    /// The names that clients know for addresses.
    pub(super) fn claims(&self) -> MutexGuard<'_, Claims> {
        open(&self.claims)
    }

    /// What clients know about encrypted hellos to a name.
    pub(super) fn configs(&self) -> MutexGuard<'_, Configs> {
        open(&self.configs)
    }

    /// The names that stand outside of encrypted hellos.
    pub(super) fn public_names(&self) -> MutexGuard<'_, PublicNames> {
        open(&self.public_names)
    }

    /// Who has which address.
    pub(super) fn devices(&self) -> MutexGuard<'_, Devices> {
        open(&self.devices)
    }

    /// `lookup` records that may still be written: a client has the same number, whichever ring its questions come to.
    pub(super) fn budget(&self) -> MutexGuard<'_, Budget> {
        open(&self.budget)
    }

    /// Forgets all of it: time begins anew.
    pub(super) fn forget(&self) {
        *self.claims() = Claims::default();
        *self.configs() = Configs::default();
        *self.public_names() = PublicNames::default();
        *self.devices() = Devices::default();
        *self.budget() = Budget::default();
    }
}

/// A worker that panicked takes the process with it, so what it left half done is read by nobody for long.
fn open<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
