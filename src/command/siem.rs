//! `shadowtap siem`: does each sink take events, and what waits for it.

use std::thread;
use std::time::{Duration, Instant};

use clap::Subcommand;
use ingest::db::DbError;
use ingest::siem::{Backlog, Outbox, Sink, SinkTarget, test_event};
use ingest::text::counted;

use crate::config::{Setup, SetupArgs};
use crate::exit::{Done, Failure, Outcome};
use crate::terminal::{self, Output};
use crate::time;

/// Arguments of `siem`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shadowtap siem test --config shadowtap.toml         one marked event to each sink, and how long it took
  shadowtap siem test soc --config shadowtap.toml     to the sink `soc` alone
  shadowtap siem status --config shadowtap.toml       what waits for each sink, and what it refused
  shadowtap siem again soc --config shadowtap.toml    what it refused for good waits for it once more
  shadowtap siem forget old-siem                      drops what waits for a sink that is gone for good")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Send one event that is marked as a test to each sink; exit code 1 when one does not take it
    Test {
        /// Sinks by name; all when none is named
        #[arg(value_name = "SINK")]
        sinks: Vec<String>,
        #[command(flatten)]
        setup: SetupArgs,
    },
    /// Show what waits for each sink, what it took and what it refused
    Status {
        #[command(flatten)]
        setup: SetupArgs,
    },
    /// Let what a sink refused for good wait for it once more, after the mend; `run` or `read` sends it
    Again {
        /// The sink's name, as `siem status` shows it
        #[arg(value_name = "SINK")]
        sink: String,
        #[command(flatten)]
        setup: SetupArgs,
    },
    /// Drop the events that wait for a sink; the findings stay
    Forget {
        /// The sink's name, as `siem status` shows it
        #[arg(value_name = "SINK")]
        sink: String,
        #[command(flatten)]
        setup: SetupArgs,
    },
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Outcome {
    match &args.action {
        Action::Test { sinks, setup } => test(&Setup::load(setup)?, sinks),
        Action::Status { setup } => status(&Setup::load(setup)?),
        Action::Again { sink, setup } => change(&Setup::load(setup)?, sink, Outbox::again, "once more waiting"),
        Action::Forget { sink, setup } => change(&Setup::load(setup)?, sink, Outbox::forget, "dropped"),
    }
}

fn test(setup: &Setup, wanted: &[String]) -> Outcome {
    let chosen = chosen(setup, wanted)?;
    setup.warn();
    // Opened one by one, so that a wrong certificate is told before anything goes out.
    let sinks = chosen.into_iter().map(Sink::open).collect::<Result<Vec<_>, _>>().map_err(Failure::usage)?;
    let at = time::now();
    let results: Vec<(String, Result<(), String>, Duration)> = thread::scope(|scope| {
        let tests: Vec<_> = sinks
            .into_iter()
            .map(|mut sink| {
                scope.spawn(move || {
                    let begun = Instant::now();
                    let (uid, event) = test_event(&setup.sensor, &setup.site, at);
                    (sink.name().to_owned(), sink.probe(&uid, event), begun.elapsed())
                })
            })
            .collect();
        // Who joins a thread has to pass its panic on: the scope does not.
        tests.into_iter().map(|test| test.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    let mut out = Output::new();
    let mut failed = 0;
    for (name, result, took) in results {
        match result {
            Ok(()) => out.line(format_args!("{name}: took the event in {} ms", took.as_millis()))?,
            Err(why) => {
                failed += 1;
                terminal::error(&why);
            }
        }
    }
    out.finish()?;
    match failed {
        0 => Ok(Done::Clean),
        failed => Err(Failure::Failed(format!("{} did not take the event", counted(failed, "sink")))),
    }
}

fn chosen<'a>(setup: &'a Setup, wanted: &[String]) -> Result<Vec<&'a SinkTarget>, Failure> {
    let known = || setup.sinks.iter().map(|sink| sink.name.as_str()).collect::<Vec<_>>().join(", ");
    if setup.sinks.is_empty() {
        return Err(Failure::Usage(
            "no SIEM is configured: write a [[siem]] block into the file of --config (docs/siem.md)".to_owned(),
        ));
    }
    if let Some(name) = wanted.iter().find(|name| !setup.sinks.iter().any(|sink| sink.name == **name)) {
        return Err(Failure::Usage(format!("no sink is called {name:?}; there are: {}", known())));
    }
    let is_wanted = |sink: &&SinkTarget| wanted.is_empty() || wanted.contains(&sink.name);
    Ok(setup.sinks.iter().filter(is_wanted).collect())
}

fn status(setup: &Setup) -> Outcome {
    let backlogs = match setup.has_findings() {
        true => Outbox::open(&setup.data_dir)?.backlogs(time::now())?,
        false => Vec::new(),
    };
    let mut out = Output::new();
    for sink in &setup.sinks {
        let none = Backlog { sink: sink.name.clone(), ..Backlog::default() };
        out.line(line(backlogs.iter().find(|backlog| backlog.sink == sink.name).unwrap_or(&none)))?;
    }
    let configured = |name: &str| setup.sinks.iter().any(|sink| sink.name == name);
    for gone in backlogs.iter().filter(|backlog| !configured(&backlog.sink) && backlog.waiting + backlog.quiet > 0)
    {
        out.line(format_args!("{}; not in the configuration: `shadowtap siem forget` drops them", line(gone)))?;
    }
    if setup.sinks.is_empty() {
        out.line("no SIEM is configured")?;
    }
    out.finish()?;
    Ok(Done::Clean)
}

fn line(backlog: &Backlog) -> String {
    let taken = counted(backlog.taken, "event");
    let mut line =
        format!("{}: {} waiting, {taken} about findings taken in 30 days", backlog.sink, backlog.waiting);
    if backlog.quiet > 0 {
        line.push_str(&format!(", {} for the end of the quiet hours", backlog.quiet));
    }
    if backlog.left_out > 0 {
        line.push_str(&format!(", {} about flows left out while it was down", counted(backlog.left_out, "event")));
    }
    if let Some(why) = &backlog.refused_why {
        line.push_str(&format!(
            ", {} refused for good (`siem again` lets them wait once more), the last: {why}",
            backlog.refused
        ));
    }
    line
}

/// Changes a sink's queue and says how many events that was about.
fn change(
    setup: &Setup,
    sink: &str,
    work: impl FnOnce(&mut Outbox, &str) -> Result<u64, DbError>,
    done: &str,
) -> Outcome {
    let (mut events, mut names) = (0, setup.sinks.iter().map(|sink| sink.name.clone()).collect::<Vec<_>>());
    if setup.has_findings() {
        let mut outbox = Outbox::open(&setup.data_dir)?;
        names.extend(outbox.backlogs(time::now())?.into_iter().map(|backlog| backlog.sink));
        events = work(&mut outbox, sink)?;
    }
    if !names.iter().any(|name| name == sink) {
        names.sort();
        names.dedup();
        let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        terminal::warning(&format!("nothing is known of a sink {sink:?}; there are: {known}"));
    }
    let mut out = Output::new();
    out.line(format_args!("{} for {sink} {done}", counted(events, "event")))?;
    out.finish()?;
    Ok(Done::Clean)
}
