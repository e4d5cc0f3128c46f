//! Whoever owns the data directory is who writes into it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::io;
use rustix::process::geteuid;
use rustix::thread::{
    CapabilitySet, CapabilitySets, Gid, Uid, set_capabilities, set_keep_capabilities, set_thread_groups,
    set_thread_res_gid, set_thread_res_uid,
};

use crate::exit::Failure;

/// Started by root on somebody else's data directory, goes on as its owner: root without capabilities could not write
/// there, and the owner could not read what root left. `CAP_NET_RAW` is kept for the capture that is still to be opened.
///
/// Changes the calling thread alone: to be called before there are others.
pub(crate) fn work_as_owner(dir: &Path) -> Result<(), Failure> {
    // A directory that is made later belongs to whoever makes it.
    let Ok(about) = fs::metadata(dir) else { return Ok(()) };
    if !geteuid().is_root() || about.uid() == 0 {
        return Ok(());
    }
    change(Uid::from_raw(about.uid()), Gid::from_raw(about.gid())).map_err(|e| {
        Failure::Failed(format!(
            "cannot work as user {}, who owns the data directory {}: {e}; start it as that user",
            about.uid(),
            dir.display()
        ))
    })
}

fn change(user: Uid, group: Gid) -> io::Result<()> {
    // The second is for giving up the others for good.
    let kept = CapabilitySet::NET_RAW | CapabilitySet::SETPCAP;
    set_keep_capabilities(true)?;
    set_thread_groups(&[group])?;
    set_thread_res_gid(group, group, group)?;
    set_thread_res_uid(user, user, user)?;
    set_keep_capabilities(false)?;
    let sets = CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() };
    set_capabilities(None, sets)
}
