//! `shadowtap policy`: is the policy file in order, and what does it say about a client and a host?

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Subcommand;
use jiff::Zoned;
use jiff::civil::Date;
use rules::policy::Policy;
use serde::Serialize;

use crate::command::catalog::Format;
use crate::config::{Setup, SetupArgs};
use crate::exit::{Done, Failure, Outcome};
use crate::terminal::Output;

/// Arguments of `policy`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shadowtap policy check policy.toml
  shadowtap policy explain --policy policy.toml --client 10.0.3.7 --host claude.ai
  shadowtap policy explain --policy policy.toml --client 10.0.3.7 --host claude.ai --on 2027-03-02")]
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
    /// Say which status a host has for a client, and by which line
    Explain {
        /// Address of the client
        #[arg(long, value_name = "IP")]
        client: IpAddr,
        /// Host name of the service
        #[arg(long, value_name = "HOST")]
        host: String,
        /// The day that counts [default: today]
        #[arg(long, value_name = "DATE")]
        on: Option<Date>,
        /// Output format
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
        #[command(flatten)]
        setup: SetupArgs,
    },
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Outcome {
    match &args.action {
        Action::Check { file, setup } => {
            let named = SetupArgs { policy: file.clone().or_else(|| setup.policy.clone()), ..setup.clone() };
            check(&Setup::load(&named)?)
        }
        Action::Explain { client, host, on, format, setup } => {
            let setup = Setup::load(setup)?;
            let on = on.unwrap_or_else(|| Zoned::now().with_time_zone(setup.time_zone.clone()).date());
            explain(&setup, *client, host, on, *format)
        }
    }
}

fn check(setup: &Setup) -> Outcome {
    let policy: &Policy = &setup.policy;
    if policy.version() == Policy::empty().version() {
        return Err(Failure::Usage(
            "no policy to check: name the file, `shadowtap policy check policy.toml`".into(),
        ));
    }
    let mut out = Output::new();
    out.line(format_args!("{} (version {}): in order", policy.name(), policy.version()))?;
    for group in policy.groups() {
        let subnets: Vec<_> = group.subnets.iter().map(ToString::to_string).collect();
        out.line(format_args!("group {}: {}, {}", group.id, group.name, subnets.join(" ")))?;
    }
    for rule in policy.rules() {
        let categories = rule.categories.iter().map(|c| format!("category {c}"));
        let what: Vec<_> = rule.services.iter().cloned().chain(categories).collect();
        let whom = if rule.groups.is_empty() { "everyone".to_owned() } else { rule.groups.join(", ") };
        out.line(format_args!("line {}: {} for {whom}: {}", rule.line, what.join(", "), rule.status))?;
    }
    out.line("everything else: unreviewed")?;
    out.finish()?;
    Ok(Done::Clean)
}

#[derive(Serialize)]
struct Explained<'a> {
    client: IpAddr,
    group: Option<&'a str>,
    host: &'a str,
    service: Option<&'a str>,
    status: Option<&'a str>,
    severity: Option<u8>,
    line: Option<usize>,
    why: &'a str,
}

fn explain(setup: &Setup, client: IpAddr, host: &str, on: Date, format: Format) -> Outcome {
    let group = setup.policy.group_of(client);
    let hit = setup.catalogue.find(host);
    let decision = hit.map(|hit| setup.policy.decide(client, hit.service, on));
    let explained = Explained {
        client,
        group: group.map(|g| g.id.as_str()),
        host,
        service: hit.map(|h| h.service.id.as_str()),
        status: decision.as_ref().map(|d| d.status.as_str()),
        severity: decision.as_ref().map(|d| d.severity),
        line: decision.as_ref().and_then(|d| d.rule).map(|r| r.line),
        why: decision.as_ref().map_or("the catalogue knows no AI service by this name", |d| d.why.as_str()),
    };
    let mut out = Output::new();
    match format {
        Format::Json => out.line(serde_json::to_string(&explained)?)?,
        Format::Text => {
            let group = group.map_or("in no group", |g| g.name.as_str());
            out.line(format_args!("client  {client} ({group})"))?;
            let service =
                hit.map_or_else(|| "none".to_owned(), |h| format!("{} ({})", h.service.name, h.service.id));
            out.line(format_args!("service {service}, by {host}"))?;
            out.line(format_args!("status  {}", explained.status.unwrap_or("none")))?;
            out.line(format_args!("why     {}", explained.why))?;
        }
    }
    out.finish()?;
    Ok(Done::Clean)
}
