//! What locks the sensor in: landlock and seccomp. They are tried, in a thread that ends at once and restricts no other.

#[cfg(feature = "live")]
use std::thread;

#[cfg(feature = "live")]
use landlock::{LandlockStatus, RestrictSelf};

use super::check::{Check, Id};
#[cfg(feature = "live")]
use crate::jail::{self, Jail, Paths, State};

const LANDLOCK: Id = Id("landlock");
const SECCOMP: Id = Id("seccomp");

/// Landlock is built in and left out of the list of security modules at boot.
#[cfg(feature = "live")]
const SWITCH_ON: &str = "echo 'GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX lsm=landlock,lockdown,yama,integrity,apparmor\"' \
                         | sudo tee /etc/default/grub.d/landlock.cfg && sudo update-grub && sudo reboot";
/// Both are in every kernel that Debian 12 and Ubuntu 22.04 come with.
#[cfg(feature = "live")]
const NEWER_KERNEL: &str = "sudo apt-get update && sudo apt-get full-upgrade && sudo reboot";

/// Both mechanisms, as `sense` takes them on.
#[cfg(feature = "live")]
pub(super) fn checks() -> Vec<Check> {
    match thread::spawn(|| jail::enter(&Paths::default())).join() {
        Ok(jail) => vec![landlock(&jail), seccomp(&jail)],
        Err(_) => [LANDLOCK, SECCOMP].map(|id| id.unknown("the attempt broke off")).to_vec(),
    }
}

/// Nothing is locked in without `run`.
#[cfg(not(feature = "live"))]
pub(super) fn checks() -> Vec<Check> {
    [LANDLOCK, SECCOMP].map(|id| id.unknown("this program was built without live capture")).to_vec()
}

#[cfg(feature = "live")]
fn landlock(jail: &Jail) -> Check {
    // Restricts nothing: without flags it asks for the kernel's version alone.
    let (version, mend) = match RestrictSelf::default().no_new_privs(false).apply().map(|status| status.landlock) {
        Ok(LandlockStatus::Available { effective_abi, kernel_abi }) => {
            (format!("ABI {}", kernel_abi.unwrap_or(effective_abi as i32)), NEWER_KERNEL)
        }
        Ok(LandlockStatus::NotEnabled) => ("built in and switched off at boot".to_owned(), SWITCH_ON),
        Ok(LandlockStatus::NotImplemented) => ("this kernel has none, 5.13 is the first".to_owned(), NEWER_KERNEL),
        Err(error) => (error.to_string(), NEWER_KERNEL),
    };
    judged(LANDLOCK, &jail.landlock, &format!("; {version}"), mend)
}

#[cfg(feature = "live")]
fn seccomp(jail: &Jail) -> Check {
    judged(SECCOMP, &jail.seccomp, "", NEWER_KERNEL)
}

#[cfg(feature = "live")]
fn judged(id: Id, state: &State, more: &str, mend: &str) -> Check {
    match state {
        State::Held => id.ok(format!("{state}{more}")),
        State::Partly(_) | State::Missing(_) => id.warn(format!("{state}{more}"), mend),
        State::Unused => id.unknown(state.to_string()),
    }
}
