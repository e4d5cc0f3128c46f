//! `shadowtap policy`: is the policy file in order, what does it say about a client and a host, what would change?

mod draft;
mod explain;

use std::path::{Path, PathBuf};

use clap::Subcommand;
use jiff::Zoned;
use jiff::civil::Date;
use rules::policy::{self, LintLevel, Policy};

use crate::config::{self, Setup, SetupArgs};
use crate::exit::{Done, Failure, Outcome};
use crate::terminal::Output;

/// Arguments of `policy`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shadowtap policy check policy.toml
  shadowtap policy lint policy.toml                   rules that never hold, have expired or are due for review
  shadowtap policy explain --policy policy.toml --client 10.0.3.7 --host claude.ai
  shadowtap policy explain --policy policy.toml --client 10.0.3.7 --host claude.ai --on 2027-03-02
  shadowtap policy diff policy.toml next-policy.toml  whose status changes for which service
  shadowtap policy draft > policy.toml                a first policy from what was seen")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Check a policy file and print what it decides
    Check {
        /// The policy file [default: that of --policy or of the configuration]
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        #[command(flatten)]
        setup: SetupArgs,
    },
    /// Find rules that never decide, have expired, or are due for review
    Lint {
        /// The policy file [default: that of --policy or of the configuration]
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        /// The day that counts [default: today]
        #[arg(long, value_name = "DATE")]
        on: Option<Date>,
        #[command(flatten)]
        setup: SetupArgs,
    },
    /// Say which status a host has for a client, and by which line
    Explain(explain::Args),
    /// Print whose status changes for which service from one policy to another
    Diff {
        /// The policy in force
        old: PathBuf,
        /// The policy to come
        new: PathBuf,
        /// The day that counts [default: today]
        #[arg(long, value_name = "DATE")]
        on: Option<Date>,
        /// Folder of catalogue files that replace or extend the built-in ones
        #[arg(long, value_name = "DIR")]
        catalogue: Option<PathBuf>,
    },
    /// Write a policy from what was seen, for people to edit
    Draft {
        /// The day that the draft is made for [default: today]
        #[arg(long, value_name = "DATE")]
        on: Option<Date>,
        #[command(flatten)]
        setup: SetupArgs,
    },
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Outcome {
    match &args.action {
        Action::Check { file, setup } => check(&policy_setup(file.as_deref(), setup)?),
        Action::Lint { file, on, setup } => lint(&policy_setup(file.as_deref(), setup)?, *on),
        Action::Explain(args) => explain::run(args),
        Action::Diff { old, new, on, catalogue } => diff(old, new, *on, catalogue.as_deref()),
        Action::Draft { on, setup } => draft::run(&Setup::load(setup)?, *on),
    }
}

/// Today at the site.
fn today(setup: &Setup) -> Date {
    Zoned::now().with_time_zone(setup.time_zone.clone()).date()
}

/// The setup with a policy; it is an error to have none.
fn policy_setup(file: Option<&Path>, args: &SetupArgs) -> Result<Setup, Failure> {
    let named = SetupArgs { policy: file.map(Path::to_path_buf).or_else(|| args.policy.clone()), ..args.clone() };
    let setup = Setup::load(&named)?;
    if setup.policy.version() == Policy::empty().version() {
        return Err(Failure::Usage("no policy: name the file, `shadowtap policy check policy.toml`".into()));
    }
    Ok(setup)
}

fn check(setup: &Setup) -> Outcome {
    let policy: &Policy = &setup.policy;
    let mut out = Output::new();
    out.line(format_args!("{} (version {}): in order", policy.name(), policy.version()))?;
    for group in policy.groups() {
        let lists = [
            group.subnets.iter().map(ToString::to_string).collect::<Vec<_>>(),
            group.vlans.iter().map(|vlans| format!("VLAN {} to {}", vlans.start(), vlans.end())).collect(),
            group.sites.iter().map(|site| format!("site {site}")).collect(),
            group.macs.iter().map(|macs| format!("MAC {macs}")).collect(),
            group.devices.iter().map(|device| format!("device {device}")).collect(),
        ];
        out.line(format_args!("group {}: {}, {}", group.id, group.name, lists.concat().join(" ")))?;
    }
    for rule in policy.rules() {
        out.line(format_args!("line {}: {}: {}", rule.line, rule.what(), rule.status))?;
    }
    out.line("everything else: unreviewed")?;
    out.finish()?;
    Ok(Done::Clean)
}

fn lint(setup: &Setup, on: Option<Date>) -> Outcome {
    let on = on.unwrap_or_else(|| today(setup));
    let found = setup.policy.lint(on, &setup.rules.current());
    let mut out = Output::new();
    for lint in &found {
        out.line(lint)?;
    }
    for review in setup.policy.reviews(on) {
        out.line(format_args!(
            "review: line {}: {}, due {}: {}",
            review.line, review.what, review.due, review.state
        ))?;
    }
    if found.is_empty() {
        out.line("nothing to mend")?;
    }
    out.finish()?;
    match found.iter().any(|lint| lint.level == LintLevel::Warning) {
        true => Err(Failure::Usage("the policy has rules that do not do what they say".into())),
        false => Ok(Done::Clean),
    }
}

fn diff(old: &Path, new: &Path, on: Option<Date>, catalogue: Option<&Path>) -> Outcome {
    let catalogue = config::catalogue(catalogue)?;
    let load = |path: &Path| Policy::load(path, &catalogue).map_err(|e| config::policy_failure(path, e));
    let on = on.unwrap_or_else(|| Zoned::now().date());
    let changes = policy::diff(&load(old)?, &load(new)?, &catalogue, on);
    let mut out = Output::new();
    let line = |line: Option<usize>| line.map_or_else(|| "no rule".to_owned(), |line| format!("line {line}"));
    for change in &changes {
        let whom = change.group.as_deref().unwrap_or("no group");
        let plan = change.plan.map_or_else(String::new, |plan| format!(", licence {plan}"));
        let at = change.at.as_deref().map_or_else(String::new, |at| format!(", from {at}"));
        out.line(format_args!(
            "{} for {whom}{plan}{at}: {} ({}) -> {} ({})",
            change.service,
            change.from,
            line(change.old_line),
            change.to,
            line(change.new_line)
        ))?;
    }
    if changes.is_empty() {
        out.line("no status changes")?;
    }
    out.finish()?;
    Ok(Done::Clean)
}
