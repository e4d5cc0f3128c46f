//! What the kernel offers to lock the sensor in: landlock and seccomp.

use landlock::{LandlockStatus, RestrictSelf};

use super::check::{Check, Id};
use super::system::{field, read};

const LANDLOCK: Id = Id("landlock");
const SECCOMP: Id = Id("seccomp");

/// Landlock is built in and left out of the list of security modules at boot.
const SWITCH_ON: &str = "echo 'GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX lsm=landlock,lockdown,yama,integrity,apparmor\"' \
                         | sudo tee /etc/default/grub.d/landlock.cfg && sudo update-grub && sudo reboot";
/// Both are in every kernel that Debian 12 and Ubuntu 22.04 come with.
const NEWER_KERNEL: &str = "sudo apt-get update && sudo apt-get full-upgrade && sudo reboot";

/// Both mechanisms.
pub(super) fn checks() -> Vec<Check> {
    vec![landlock(), seccomp()]
}

fn landlock() -> Check {
    // Restricts nothing: without flags it asks for the kernel's version alone.
    match RestrictSelf::default().no_new_privs(false).apply().map(|status| status.landlock) {
        Ok(LandlockStatus::Available { effective_abi, kernel_abi }) => {
            LANDLOCK.ok(format!("ABI {}", kernel_abi.unwrap_or(effective_abi as i32)))
        }
        Ok(LandlockStatus::NotEnabled) => LANDLOCK.warn("built in and switched off at boot", SWITCH_ON),
        Ok(LandlockStatus::NotImplemented) => {
            LANDLOCK.warn("this kernel has none (5.13 is the first)", NEWER_KERNEL)
        }
        Err(error) => LANDLOCK.unknown(error.to_string()),
    }
}

/// Filters have to be able to refuse with an error and to end the process.
fn seccomp() -> Check {
    let Some(actions) = read("/proc/sys/kernel/seccomp/actions_avail") else {
        let mode = read("/proc/self/status").and_then(|status| field(&status, "Seccomp"));
        return match mode {
            Some(_) => SECCOMP.unknown("/proc/sys/kernel/seccomp/actions_avail cannot be read"),
            None => SECCOMP.warn("this kernel has no filters", NEWER_KERNEL),
        };
    };
    let has = |word: &str| actions.split_whitespace().any(|action| action == word);
    match has("errno") && has("kill_process") {
        true => SECCOMP.ok(format!("filters can {}", actions.replace(' ', ", "))),
        false => SECCOMP.warn(format!("filters can only {}", actions.replace(' ', ", ")), NEWER_KERNEL),
    }
}
