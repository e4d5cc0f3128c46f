//! `policy explain`: which line decides about a client and a host, and why.

use std::net::IpAddr;

use jiff::civil::{Date, DateTime};
use rules::catalogue::Plan;
use rules::policy::{self, Subject};
use serde::Serialize;

use super::today;
use crate::command::catalog::Format;
use crate::config::{Setup, SetupArgs};
use crate::exit::{Done, Failure, Outcome};
use crate::terminal::Output;

/// Arguments of `policy explain`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Address of the client
    #[arg(long, value_name = "IP")]
    client: IpAddr,
    /// Host name of the service
    #[arg(long, value_name = "HOST")]
    host: String,
    /// The day that counts [default: today]
    #[arg(long, value_name = "DATE")]
    on: Option<Date>,
    /// The moment at the site, for rules with hours: 2026-11-12T09:30
    #[arg(long, value_name = "TIME")]
    at: Option<DateTime>,
    /// VLAN of the client
    #[arg(long, value_name = "ID")]
    vlan: Option<u16>,
    /// Hardware address of the client
    #[arg(long, value_name = "MAC", value_parser = |text: &str| policy::mac(text).ok_or("no hardware address such as 02:77:00:00:00:11"))]
    mac: Option<[u8; 6]>,
    /// Stable device id
    #[arg(long, value_name = "ID")]
    device: Option<String>,
    /// Site [default: that of the configuration]
    #[arg(long, value_name = "NAME")]
    site: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    setup: SetupArgs,
}

#[derive(Serialize)]
struct Explained<'a> {
    client: IpAddr,
    group: Option<&'a str>,
    host: &'a str,
    service: Option<&'a str>,
    plan: Option<Plan>,
    tenant: Option<&'a str>,
    status: Option<&'a str>,
    severity: Option<u8>,
    line: Option<usize>,
    why: &'a str,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Outcome {
    let setup = Setup::load(&args.setup)?;
    let on = args.on.or(args.at.map(DateTime::date)).unwrap_or_else(|| today(&setup));
    let subject = Subject {
        ip: args.client,
        vlan: args.vlan,
        site: Some(args.site.as_deref().unwrap_or(&setup.site)),
        device: Some(&args.device.clone().unwrap_or_else(|| args.client.to_string())),
        mac: args.mac,
        at: args.at,
    };
    let catalogue = setup.rules.current();
    let group = setup.policy.group_for(&subject);
    let hit = catalogue.find(&args.host);
    let plan = hit.and_then(|hit| hit.pattern.plan);
    let tenant = hit.and_then(|hit| hit.tenant(&args.host).map(std::borrow::Cow::into_owned));
    let decision = hit.map(|hit| setup.policy.decide_for(&subject, hit.service, plan, on));
    let explained = Explained {
        client: args.client,
        group: group.map(|g| g.id.as_str()),
        host: &args.host,
        service: hit.map(|h| h.service.id.as_str()),
        plan,
        tenant: tenant.as_deref(),
        status: decision.as_ref().map(|d| d.status.as_str()),
        severity: decision.as_ref().map(|d| d.severity),
        line: decision.as_ref().and_then(|d| d.rule).map(|r| r.line),
        why: decision.as_ref().map_or("the catalogue knows no AI service by this name", |d| d.why.as_str()),
    };
    let mut out = Output::new();
    match args.format {
        Format::Json => out.line(serde_json::to_string(&explained)?)?,
        Format::Text => {
            let service =
                hit.map_or_else(|| "none".to_owned(), |h| format!("{} ({})", h.service.name, h.service.id));
            text(&mut out, &explained, &service, group.map_or("in no group", |g| g.name.as_str()))?;
        }
    }
    out.finish()?;
    Ok(Done::Clean)
}

fn text(out: &mut Output, explained: &Explained<'_>, service: &str, group: &str) -> Result<(), Failure> {
    out.line(format_args!("client  {} ({group})", explained.client))?;
    out.line(format_args!("service {service}, by {}", explained.host))?;
    if let Some(plan) = explained.plan {
        out.line(format_args!("licence {plan}, by the name"))?;
    }
    if let Some(tenant) = explained.tenant {
        out.line(format_args!("tenant  {tenant}, by the name"))?;
    }
    out.line(format_args!("status  {}", explained.status.unwrap_or("none")))?;
    out.line(format_args!("why     {}", explained.why))
}
