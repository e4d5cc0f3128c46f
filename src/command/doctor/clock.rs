//! Is the clock set by a time server? Deadlines, weeks and what a SIEM puts side by side hang on it.

use std::path::Path;

use super::check::{Check, Id};
use super::system::{Answer, ask};

const TIME_SYNC: Id = Id("time-sync");

/// What systemd says of the kernel's clock, else chrony.
pub(super) fn check() -> Check {
    if let Answer::Said(said) = ask("timedatectl", &["show", "-p", "NTPSynchronized", "--value"]) {
        match said.trim() {
            "yes" => return TIME_SYNC.ok("synchronized, says timedatectl"),
            "no" => {
                let seen = "not synchronized, says timedatectl";
                return TIME_SYNC.warn(seen, "sudo apt-get install chrony && sudo systemctl enable --now chrony");
            }
            _ => {}
        }
    }
    if let Answer::Said(said) = ask("chronyc", &["-n", "tracking"]) {
        let leap = after(&said, "Leap status");
        let offset = after(&said, "System time").unwrap_or_default();
        return match leap.as_deref() {
            Some("Normal" | "Insert second" | "Delete second") => {
                TIME_SYNC.ok(format!("synchronized by chrony; {offset}"))
            }
            _ => TIME_SYNC.warn("chrony runs and is not synchronized", "sudo chronyc makestep && chronyc sources"),
        };
    }
    let container = Path::new("/.dockerenv").exists()
        || Path::new("/run/.containerenv").exists()
        || matches!(ask("systemd-detect-virt", &["-c"]), Answer::Said(_));
    match container {
        true => TIME_SYNC.unknown("a container: its clock is the host's, look there"),
        false => TIME_SYNC
            .unknown("neither timedatectl nor chronyc answers")
            .with("sudo apt-get install chrony && sudo systemctl enable --now chrony"),
    }
}

/// What stands behind the colon of a line of `chronyc tracking`, which pads its keys.
fn after(text: &str, key: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(key))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_chrony() {
        let said = "Reference ID    : C0000201 (192.0.2.1)\nSystem time     : 0.000012 seconds slow of NTP time\n\
                    Leap status     : Normal\n";
        assert_eq!(after(said, "Leap status").as_deref(), Some("Normal"));
        assert_eq!(after(said, "System time").as_deref(), Some("0.000012 seconds slow of NTP time"));
    }
}
