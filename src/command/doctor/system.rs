//! What the machine says of itself: small files of the kernel, and programs that answer within seconds.

use std::env;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A program that has not answered by then hangs: `timedatectl` waits 25 s for a bus that is not there.
const PATIENCE: Duration = Duration::from_secs(3);
/// Where programs of administrators are, which the path of a user does not name.
const SBIN: &str = "/usr/local/sbin:/usr/sbin:/sbin";

/// What a program answered.
pub(super) enum Answer {
    /// It said this and ended well.
    Said(String),
    /// It is not installed.
    Missing,
    /// It failed, with its first words.
    Failed(String),
}

/// Asks a program. What it says has to fit into a pipe, 64 KiB.
pub(super) fn ask(program: &str, args: &[&str]) -> Answer {
    let path = env::var("PATH").unwrap_or_default();
    let mut command = Command::new(program);
    command.args(args).env("PATH", format!("{path}:{SBIN}")).env("LC_ALL", "C");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut child) = command.spawn() else { return Answer::Missing };
    let until = Instant::now() + PATIENCE;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < until => thread::sleep(Duration::from_millis(10)),
            _ => {
                let _ = child.kill().and_then(|()| child.wait());
                return Answer::Failed(format!("no answer within {} s", PATIENCE.as_secs()));
            }
        }
    };
    let (mut said, mut complaint) = (String::new(), String::new());
    let _ = child.stdout.take().map(|mut out| out.read_to_string(&mut said));
    let _ = child.stderr.take().map(|mut err| err.read_to_string(&mut complaint));
    match status.success() {
        true => Answer::Said(said),
        false => Answer::Failed(complaint.lines().next().unwrap_or("it failed without a word").to_owned()),
    }
}

/// A file of the kernel without its last line break.
pub(super) fn read(path: impl AsRef<Path>) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

/// The same as a number.
pub(super) fn number<T: std::str::FromStr>(path: impl AsRef<Path>) -> Option<T> {
    read(path)?.parse().ok()
}

/// The value behind `Key:` in a file such as `/proc/meminfo`.
pub(super) fn field(text: &str, key: &str) -> Option<String> {
    let rest = |line: &str| line.trim_start().strip_prefix(key)?.strip_prefix(':').map(|v| v.trim().to_owned());
    text.lines().find_map(rest)
}

/// A path or name as a shell takes it.
pub(crate) fn quoted(text: impl ToString) -> String {
    let text = text.to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:,@%=".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

/// `run` on a port with another option.
pub(super) fn run_with(port: &str, option: &str, config: Option<&Path>) -> String {
    let config = config.map_or_else(String::new, |path| format!(" --config {}", quoted(path.display())));
    format!("sudo shadowtap run -i {port} {option}{config}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_take_apart_is_quoted() {
        assert_eq!(quoted("/etc/shadowtap/a.toml"), "/etc/shadowtap/a.toml");
        assert_eq!(quoted("/srv/a b/it's;x"), "'/srv/a b/it'\\''s;x'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn fields_of_the_kernels_files() {
        assert_eq!(field("Name:\tx\nCapEff:\t00ff\n", "CapEff").as_deref(), Some("00ff"));
        assert_eq!(field("MemAvailableX: 1\n", "MemAvailable"), None);
    }

    #[test]
    fn a_program_that_is_not_there_and_one_that_fails() {
        assert!(matches!(ask("no-such-program-here", &[]), Answer::Missing));
        assert!(matches!(ask("false", &[]), Answer::Failed(_)));
        assert!(matches!(ask("echo", &["a"]), Answer::Said(said) if said == "a\n"));
    }
}
