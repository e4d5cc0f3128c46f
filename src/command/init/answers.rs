//! The five answers: by option, else on the terminal, else by default.

use std::io::{self, BufRead, IsTerminal, Write};

use ipnet::IpNet;

use super::words::{self, Receiver};
use super::{Args, found};
use crate::config;
use crate::exit::Failure;

/// What `init` needs to know.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) site: String,
    pub(super) zone: String,
    /// Where mirrored frames arrive; empty where nobody knows yet.
    pub(super) interfaces: Vec<String>,
    /// The office's networks; empty for the private ranges.
    pub(super) nets: Vec<IpNet>,
    pub(super) receiver: Receiver,
}

impl Answers {
    /// All of them, in the order in which they are asked.
    pub(super) fn gather(args: &Args) -> Result<Self, Failure> {
        let asker = Asker { yes: args.yes, terminal: io::stdin().is_terminal() };
        asker.check(&[
            ("--site", args.site.is_some()),
            ("--time-zone", args.time_zone.is_some()),
            ("--interface", args.interface.is_some()),
            ("--local-nets", args.local_nets.is_some()),
            ("--syslog", args.syslog.is_some()),
        ])?;
        let site = asker.answer(args.site.as_ref(), "Name of this site", "office", words::site)?;
        let zone = config::system_zone_name();
        let zone = asker.answer(args.time_zone.as_ref(), "Time zone of the site", &zone, words::zone)?;
        let interfaces = match &args.interface {
            Some(interfaces) => interfaces.clone(),
            None => asker.interfaces()?,
        };
        let question = "Networks of the office, with commas (private = all private ranges)";
        let nets = asker.answer(args.local_nets.as_ref(), question, "private", words::nets)?;
        let question = "Syslog receiver of alerts, such as tls://siem.example:6514 (others: docs/siem.md)";
        let receiver = asker.answer(args.syslog.as_ref(), question, "none", words::receiver)?;
        Ok(Self { site, zone, interfaces, nets, receiver })
    }
}

/// Who answers what no option does.
struct Asker {
    yes: bool,
    terminal: bool,
}

impl Asker {
    /// Without a terminal and without `--yes` each question has to be answered by its option.
    fn check(&self, options: &[(&str, bool)]) -> Result<(), Failure> {
        let missing: Vec<&str> = options.iter().filter(|(_, given)| !given).map(|(option, _)| *option).collect();
        if self.yes || self.terminal || missing.is_empty() {
            return Ok(());
        }
        let missing = missing.join(", ");
        Err(Failure::Usage(format!("no terminal to ask on: {missing} missing; --yes takes the defaults")))
    }

    fn interfaces(&self) -> Result<Vec<String>, Failure> {
        let found = found::interfaces();
        let likely = found.first().filter(|first| first.is_likely());
        let default = likely.map_or_else(|| "none".to_owned(), |first| first.name.clone());
        if !self.yes {
            for interface in &found {
                say(&format!("  {}\n", interface.line()))?;
            }
        }
        self.answer(None, "Interface of the mirror (none = not known yet)", &default, words::interfaces)
    }

    /// Asks until the answer is one; an empty line is the default.
    fn answer<T: Clone>(
        &self,
        given: Option<&T>,
        question: &str,
        default: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Failure> {
        if let Some(given) = given {
            return Ok(given.clone());
        }
        if self.yes {
            return read(default).map_err(Failure::Usage);
        }
        loop {
            say(&format!("{question} [{default}]: "))?;
            let mut line = String::new();
            if io::stdin().lock().read_line(&mut line)? == 0 {
                return Err(Failure::Failed("the answers ended early: nothing was written".to_owned()));
            }
            let line = line.trim();
            match read(if line.is_empty() { default } else { line }) {
                Ok(answer) => return Ok(answer),
                Err(why) => say(&format!("  {why}\n"))?,
            }
        }
    }
}

/// Questions are no output: they go where errors go.
fn say(text: &str) -> Result<(), Failure> {
    let mut err = io::stderr();
    err.write_all(text.as_bytes()).and_then(|()| err.flush()).map_err(Failure::from)
}
