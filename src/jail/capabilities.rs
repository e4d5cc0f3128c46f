//! Capabilities: all of them go, for good, and with them what a process of the same user may do to this one.

use rustix::io;
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set, remove_capability_from_bounding_set,
    set_capabilities, set_no_new_privs,
};

use super::State;

/// Empties every set. `no_new_privs` keeps a program that is started from bringing some along.
pub(super) fn drop_all() -> State {
    match drop_sets() {
        Ok(()) => State::Held,
        Err(error) => State::Missing(error.to_string()),
    }
}

fn drop_sets() -> io::Result<()> {
    set_no_new_privs(true)?;
    // Both halves have one user: without this `deliver` could read packets out of the memory of `sense`, and whoever
    // breaks into one could write into the other. Nor is a core of either ever left on the disk.
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    for capability in CapabilitySet::all().iter() {
        // It needs CAP_SETPCAP, which a user of its own does not have; without new privileges the bound bounds nothing.
        let _ = remove_capability_from_bounding_set(capability);
    }
    // Kernels before 4.3 have none.
    let _ = clear_ambient_capability_set();
    set_capabilities(None, NONE)?;
    if capabilities(None)? == NONE { Ok(()) } else { Err(io::Errno::PERM) }
}

const NONE: CapabilitySets = CapabilitySets {
    effective: CapabilitySet::empty(),
    permitted: CapabilitySet::empty(),
    inheritable: CapabilitySet::empty(),
};
