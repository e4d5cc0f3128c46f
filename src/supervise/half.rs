//! One child of `run`, over all the times that it was started.

use std::ffi::OsString;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::exit::Failure;
use crate::terminal;

/// The pause before the first new start; it doubles.
const SHORTEST: Duration = Duration::from_secs(1);
/// The longest pause: an interface that comes back is watched within a minute.
const LONGEST: Duration = Duration::from_secs(60);
/// A child that ran for so long was well, and the pauses begin anew.
const WELL: Duration = Duration::from_secs(60);

/// One half of `run`.
#[derive(Debug)]
pub(crate) struct Half {
    name: &'static str,
    program: PathBuf,
    args: Vec<OsString>,
    /// The variables that it gets; all of ours when none are named.
    environment: Option<&'static [&'static str]>,
    running: Option<Running>,
    pauses: Pauses,
    /// When the next start is due.
    due: Option<Instant>,
    /// SIGHUP is to be passed on when the child can hear it.
    reload: bool,
}

#[derive(Debug)]
struct Running {
    process: Child,
    /// Our end; none when it was let go.
    leash: Option<UnixStream>,
    ready: Option<Instant>,
}

/// How a child ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended(ExitStatus);

impl Ended {
    pub(crate) fn well(self) -> bool {
        self.0.success()
    }

    /// The end of `run` with the child's exit code; the child has said why.
    pub(crate) fn failure(self) -> Failure {
        Failure::Told(self.0.code().and_then(|code| u8::try_from(code).ok()).filter(|code| *code != 0).unwrap_or(1))
    }

    fn text(self) -> String {
        match (self.0.code(), self.0.signal()) {
            (Some(code), _) => format!("exit code {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => "for an unknown reason".to_owned(),
        }
    }
}

impl Half {
    /// A half that is not started yet: a subcommand of this binary.
    pub(crate) fn new(name: &'static str, words: impl IntoIterator<Item = OsString>) -> Result<Self, Failure> {
        let program = std::env::current_exe()
            .map_err(|e| Failure::Failed(format!("cannot find this program's own file: {e}")))?;
        let args = [name.into(), "--supervised".into()].into_iter().chain(words).collect();
        Ok(Self {
            name,
            program,
            args,
            environment: None,
            running: None,
            pauses: Pauses::default(),
            due: None,
            reload: false,
        })
    }

    /// The same with these variables of our environment alone.
    pub(crate) fn with_environment(self, names: &'static [&'static str]) -> Self {
        Self { environment: Some(names), ..self }
    }

    /// Starts the child. It is no member of our process group: Ctrl-C reaches us alone, and we end it in order.
    pub(crate) fn start(&mut self) -> Result<(), Failure> {
        self.due = None;
        let cannot = |e| Failure::Failed(format!("cannot start {} {}: {e}", self.program.display(), self.name));
        let (ours, theirs) = UnixStream::pair().map_err(cannot)?;
        ours.set_nonblocking(true).map_err(cannot)?;
        let mut command = Command::new(&self.program);
        command.args(&self.args).stdin(Stdio::from(OwnedFd::from(theirs))).process_group(0);
        if let Some(names) = self.environment {
            command.env_clear().envs(names.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        }
        let process = command.spawn().map_err(cannot)?;
        self.running = Some(Running { process, leash: Some(ours), ready: None });
        Ok(())
    }

    /// Whether its start is done.
    pub(crate) fn is_ready(&mut self) -> bool {
        let Some(Running { leash: Some(leash), ready, .. }) = &mut self.running else { return false };
        if ready.is_none() && matches!(leash.read(&mut [0]), Ok(1)) {
            *ready = Some(Instant::now());
        }
        ready.is_some()
    }

    /// How it ended, once.
    pub(crate) fn ended(&mut self) -> Result<Option<Ended>, Failure> {
        let Some(running) = &mut self.running else { return Ok(None) };
        let ended = running.process.try_wait()?;
        if ended.is_some() {
            self.pauses.ran(running.ready.map_or(Duration::ZERO, |since| since.elapsed()));
            self.running = None;
        }
        Ok(ended.map(Ended))
    }

    /// Starts it again when it has ended, after a pause that grows; passes on that files are to be read again.
    pub(crate) fn tend(&mut self, reload: bool) {
        self.reload |= reload;
        match self.ended() {
            Ok(Some(ended)) => self.rest(&ended.text()),
            Ok(None) => {}
            Err(error) => terminal::warning(&format!("{}: {}", self.name, error.into_text())),
        }
        if self.due.is_some_and(|due| Instant::now() >= due)
            && let Err(error) = self.start()
        {
            self.rest(&error.into_text());
        }
        if self.is_ready() && std::mem::take(&mut self.reload) {
            self.signal(Signal::HUP);
        }
    }

    fn rest(&mut self, why: &str) {
        let pause = self.pauses.next();
        terminal::warning(&format!("{} ended ({why}): it starts again in {} s", self.name, pause.as_secs()));
        self.due = Some(Instant::now() + pause);
        // A new child reads everything anew.
        self.reload = false;
    }

    /// Asks it to end.
    pub(crate) fn let_go(&mut self) {
        if let Some(running) = &mut self.running {
            running.leash = None;
        }
    }

    /// Ends it at once.
    pub(crate) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        if let Some(running) = &self.running {
            // One that is gone already shows in `ended`.
            let _ = kill_process(Pid::from_child(&running.process), signal);
        }
    }

    /// Whether nothing runs now.
    pub(crate) fn is_down(&self) -> bool {
        self.running.is_none()
    }

    /// The end of one that is down: an error where it waits for its next start.
    pub(crate) fn left(&self) -> Result<(), Failure> {
        match self.due {
            None => Ok(()),
            Some(_) => Err(Failure::Failed(format!(
                "{} was not running at the end; what waits in the spool goes with the next start",
                self.name
            ))),
        }
    }
}

/// How long it rests between an end and the next start.
#[derive(Debug, Default)]
struct Pauses {
    last: Option<Duration>,
}

impl Pauses {
    /// It was ready for so long.
    fn ran(&mut self, time: Duration) {
        self.last = self.last.filter(|_| time < WELL);
    }

    fn next(&mut self) -> Duration {
        *self.last.insert(self.last.map_or(SHORTEST, |last| (last * 2).min(LONGEST)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_until_it_ran_well() {
        let mut pauses = Pauses::default();
        let mut seconds = |ran| {
            pauses.ran(Duration::from_secs(ran));
            pauses.next().as_secs()
        };
        assert_eq!([0; 8].map(&mut seconds), [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!([59, 60, 0].map(seconds), [60, 1, 2]);
    }
}
