//! How a command ends: exit codes and the one place that prints errors.

use std::error::Error;
use std::process::ExitCode;

/// What a command answers.
pub(crate) type Outcome = Result<Done, Failure>;

/// A command that did its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    /// Exit code 0.
    Clean,
    /// Exit code 3: losses or findings, where `--fail-on` asked for it.
    WithRemarks,
}

/// A command that did not.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Exit code 1.
    Failed(String),
    /// Exit code 1: a capture cannot be read; the others can.
    Unreadable(String),
    /// Exit code 2: the command line or a configuration file is wrong.
    Usage(String),
    /// Exit code of a child, which has said why.
    #[cfg(feature = "live")]
    Told(u8),
    /// The reader of our output went away: nothing is wrong.
    ClosedPipe,
}

impl Failure {
    /// The words for a message within another one.
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Failed(text) | Self::Unreadable(text) | Self::Usage(text) => text,
            #[cfg(feature = "live")]
            Self::Told(_) => String::new(),
            Self::ClosedPipe => String::new(),
        }
    }

    /// A wrong command line or configuration file.
    pub(crate) fn usage(error: impl ToString) -> Self {
        Self::Usage(error.to_string())
    }
}

impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut cause: Option<&dyn Error> = Some(&error);
        let mut text = String::new();
        while let Some(e) = cause {
            let line = e.to_string();
            if !text.contains(&line) {
                if !text.is_empty() {
                    text.push_str(": ");
                }
                text.push_str(&line);
            }
            cause = e.source();
        }
        Self::Failed(text)
    }
}

/// The exit code of an outcome; prints the error, if there is one.
pub(crate) fn code(outcome: Outcome) -> ExitCode {
    let (code, text) = match outcome {
        Ok(Done::Clean) | Err(Failure::ClosedPipe) => (0, None),
        Ok(Done::WithRemarks) => (3, None),
        Err(Failure::Failed(text) | Failure::Unreadable(text)) => (1, Some(text)),
        Err(Failure::Usage(text)) => (2, Some(text)),
        #[cfg(feature = "live")]
        Err(Failure::Told(code)) => (code, None),
    };
    if let Some(text) = text {
        crate::terminal::error(&text);
    }
    ExitCode::from(code)
}
