//! One line of the doctor: what was looked at, how it is, what was seen, and the command that mends it.

use serde::Serialize;

/// How it is, worse ones later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// Looked at, and as it should be.
    Ok,
    /// It could not be looked at: `seen` says why.
    Unknown,
    /// The sensor works and sees or keeps less than it could.
    Warn,
    /// The sensor does not work, or sees nothing that is of use.
    Fail,
}

impl State {
    /// The word in both forms of output.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Check {
    /// Which check; several interfaces, captures or sinks have one each.
    pub(super) check: &'static str,
    pub(super) state: State,
    /// What was seen, in figures.
    pub(super) seen: String,
    /// The command that mends it, as a shell takes it. Always there for `warn` and `fail`.
    pub(super) mend: Option<String>,
}

/// The name of a check. docs/operations.md has a row for each; a test compares.
#[derive(Debug, Clone, Copy)]
pub(super) struct Id(pub(super) &'static str);

impl Id {
    pub(super) fn ok(self, seen: impl Into<String>) -> Check {
        self.check(State::Ok, seen.into(), None)
    }

    pub(super) fn warn(self, seen: impl Into<String>, mend: impl Into<String>) -> Check {
        self.check(State::Warn, seen.into(), Some(mend.into()))
    }

    pub(super) fn fail(self, seen: impl Into<String>, mend: impl Into<String>) -> Check {
        self.check(State::Fail, seen.into(), Some(mend.into()))
    }

    pub(super) fn unknown(self, why: impl Into<String>) -> Check {
        self.check(State::Unknown, why.into(), None)
    }

    fn check(self, state: State, seen: String, mend: Option<String>) -> Check {
        Check { check: self.0, state, seen, mend }
    }
}

impl Check {
    /// The same with the command that lets the check be made.
    pub(super) fn with(self, mend: impl Into<String>) -> Self {
        Self { mend: Some(mend.into()), ..self }
    }

    /// The same about one of several interfaces, captures or sinks.
    pub(super) fn about(self, subject: &str) -> Self {
        Self { seen: format!("{subject}: {}", self.seen), ..self }
    }
}
