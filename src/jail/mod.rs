//! What the two halves of `run` may not do (decision record 4): no capability, few files, few system calls.
//!
//! Each mechanism is asked for by using it, not by reading what the kernel says of itself: in a container both differ.
//! One that is missing is warned of and does not stop the sensor: the others hold, and no sensor sees nothing at all.
//! There is no option to leave any of them out.
//!
//! A filter and a landlock domain hold for the thread that takes them on and for those that it starts. So the jail is
//! entered before any other thread is there.

mod calls;
mod capabilities;
mod landlock;
mod owner;
mod probe;
mod seccomp;

use std::fmt::{self, Display};
use std::path::PathBuf;

use crate::terminal;
pub(crate) use owner::work_as_owner;
pub(crate) use probe::probe;

/// What `sense` may still open by name.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    /// Folders in which it writes, renames, links and removes.
    pub(crate) write: Vec<PathBuf>,
    /// Files and folders that it reads.
    pub(crate) read: Vec<PathBuf>,
}

/// What became of a mechanism.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// In force.
    Held,
    /// In force, with a hole.
    Partly(String),
    /// Not in force, and why.
    Missing(String),
    /// Not meant for this half.
    Unused,
}

/// What holds the process from now on.
#[derive(Debug)]
#[must_use = "what is missing has to be told"]
pub(crate) struct Jail {
    /// No capability, and none to be had by starting a program.
    pub(crate) capabilities: State,
    /// Files by name.
    pub(crate) landlock: State,
    /// System calls.
    pub(crate) seccomp: State,
}

/// Locks `sense` in: files of `paths` alone, no socket of any kind, no other program, no capability.
pub(crate) fn enter(paths: &Paths) -> Jail {
    let capabilities = capabilities::drop_all();
    let landlock = landlock::restrict(paths);
    Jail { capabilities, landlock, seccomp: seccomp::allow_sensing() }
}

/// Takes packets away from `deliver`: no packet or raw socket, no other program, no capability.
pub(crate) fn without_packets() -> Jail {
    let capabilities = capabilities::drop_all();
    Jail { capabilities, landlock: State::Unused, seccomp: seccomp::refuse_packets() }
}

impl Jail {
    /// Warns of each mechanism that does not hold, with what that leaves open.
    pub(crate) fn warn(&self, half: &str) {
        for (what, state) in self.mechanisms() {
            match state {
                State::Held | State::Unused => {}
                State::Partly(why) => terminal::warning(&format!("{half} is jailed with a hole: {what}: {why}")),
                State::Missing(why) => terminal::warning(&format!(
                    "{half} runs with more rights than it needs: {what} not restricted: {why}"
                )),
            }
        }
    }

    fn mechanisms(&self) -> [(&'static str, &State); 3] {
        [
            ("capabilities", &self.capabilities),
            ("files (landlock)", &self.landlock),
            ("system calls (seccomp)", &self.seccomp),
        ]
    }
}

/// One line per mechanism.
impl Display for Jail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.mechanisms().into_iter().try_for_each(|(what, state)| writeln!(f, "{what}: {state}"))
    }
}

impl Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held => f.write_str("restricted"),
            Self::Partly(why) => write!(f, "restricted in part: {why}"),
            Self::Missing(why) => write!(f, "not restricted: {why}"),
            Self::Unused => f.write_str("not restricted here"),
        }
    }
}
