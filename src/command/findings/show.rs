//! `findings show`: one finding with everything that stands behind it.

use clap::ValueEnum;
use ingest::incident::{Context, Form, Measurement};
use ingest::judge::{Finding, FindingsDb, HistoryRow, next_steps, rule_name, sentence};
use ingest::text::{bytes, counted, number, safe_name, safe_text};
use ingest::time::{Window, local};
use rules::policy::{self, Subject};
use serde::Serialize;

use super::clock;
use super::row::{self, Row};
use crate::config::{Setup, SetupArgs};
use crate::exit::{Done, Failure, Outcome};
use crate::terminal::Output;
use crate::time::now;

/// Arguments of `findings show`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shadowtap findings show 0cfe7ef48ee25468
  shadowtap findings show 0cfe --format json")]
pub(super) struct Args {
    /// Id of the finding, or its first digits
    #[arg(value_name = "UID")]
    uid: String,
    /// Output format
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    setup: SetupArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One object
    Json,
}

#[derive(Serialize)]
struct Shown<'a> {
    finding: Row,
    sentence: String,
    measurements: &'a [Measurement],
    not_known: &'a [&'static str],
    next_steps: [String; 3],
    evidence: &'a ingest::incident::Evidence,
    policy_line: &'a str,
    history: &'a [ingest::incident::Moment],
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Outcome {
    let setup = Setup::load(&args.setup)?;
    let now = now();
    let (finding, history) = find(&super::open(&setup)?, &args.uid)?;
    let form = form(&setup, &finding, &history, now);
    let mut out = Output::new();
    match args.format {
        Format::Text => text(&mut out, &setup, &finding, &form, now)?,
        Format::Json => {
            let shown = Shown {
                finding: Row::of(&finding, now),
                sentence: safe_text(&sentence(&finding)),
                measurements: &form.observed.measurements,
                not_known: &form.not_known,
                next_steps: next_steps(&finding).map(|step| safe_text(&step)),
                evidence: &form.evidence,
                policy_line: &form.policy.line,
                history: &form.timeline,
            };
            out.line(serde_json::to_string_pretty(&shown)?)?;
        }
    }
    out.finish()?;
    Ok(Done::Clean)
}

/// The finding whose id begins so, and what happened to it.
pub(crate) fn find(db: &FindingsDb, prefix: &str) -> Result<(Finding, Vec<HistoryRow>), Failure> {
    super::named(prefix)?;
    let finding = db.find(prefix)?;
    let history = db.history(&finding.uid)?;
    Ok((finding, history))
}

fn form(setup: &Setup, finding: &Finding, history: &[HistoryRow], at: i64) -> Form {
    let context = Context {
        catalogue: &setup.rules.current(),
        policy: &setup.policy,
        time_zone: &setup.time_zone,
        seen: None,
        at,
        binary: env!("CARGO_PKG_VERSION"),
    };
    Form::of(finding, history, &context)
}

fn text(out: &mut Output, setup: &Setup, finding: &Finding, form: &Form, now: i64) -> Result<(), Failure> {
    let time = |us: i64| local(us, &setup.time_zone);
    out.line(format_args!(
        "{}  {}, severity {}, revision {}",
        finding.uid,
        finding.state.as_str(),
        finding.severity,
        finding.revision
    ))?;
    out.line(format_args!("{}\n", rule_name(finding.rule)))?;
    let mut put = |key: &str, value: &str| out.line(format_args!("{key:<9} {value}"));
    put("what", &safe_text(&sentence(finding)))?;
    put("who", &who(finding))?;
    if let Some(called) = called(setup, finding) {
        put("called", &safe_text(&called))?;
    }
    put("service", &service(finding))?;
    put("how sure", &sure(form))?;
    put("seen", &format!("{} to {}, {}", time(finding.first_seen), time(finding.last_seen), times(finding)))?;
    put("policy", &form.policy.line)?;
    let due = finding.report_due_at.map_or("no report is due".to_owned(), |due| {
        format!("detected {}, report due {}: {}", time(finding.detected_at), time(due), clock::words(finding, now))
    });
    put("by when", &due)?;
    put("told", told(finding))?;
    section(out, "measured", form.observed.measurements.iter().map(measured))?;
    section(out, "not known", form.not_known.iter().map(|text| (*text).to_owned()))?;
    let zone = &setup.time_zone;
    let history = form.timeline.iter().map(|moment| {
        let at =
            moment.at.parse::<jiff::Timestamp>().map_or(moment.at.clone(), |at| local(at.as_microsecond(), zone));
        format!("{at}  {}  {}  {}", moment.what, moment.who, moment.text).trim_end().to_owned()
    });
    section(out, "history", history)?;
    let steps = (1..).zip(next_steps(finding)).map(|(number, step)| format!("{number}. {}", safe_text(&step)));
    section(out, "next steps", steps)
}

fn section(out: &mut Output, title: &str, lines: impl Iterator<Item = String>) -> Result<(), Failure> {
    for (at, line) in lines.enumerate() {
        if at == 0 {
            out.line(format_args!("\n{title}"))?;
        }
        out.line(format_args!("  {line}"))?;
    }
    Ok(())
}

/// Name and owner by the list of devices, else the name that the device gives itself. The finding is shown whatever the
/// store says; a server, which may be away, is not asked.
fn called(setup: &Setup, finding: &Finding) -> Option<String> {
    let mac = policy::mac(&finding.device);
    let ip = finding.contact.as_ref().map(|contact| contact.client_ip).or_else(|| finding.device.parse().ok())?;
    let asset = setup.policy.asset(&Subject { mac, ..Subject::of(ip) });
    let own = || {
        let here = setup.store.is_embedded() && !setup.store.is_missing(&setup.data_dir);
        let store = here.then(|| setup.store.open(&setup.data_dir, &setup.time_zone).ok())??;
        store.device_names(&finding.site, Window { from: 0, to: i64::MAX }).ok()?.remove(&finding.device)
    };
    let name = asset.map(|one| one.name.clone()).filter(|name| !name.is_empty()).or_else(own);
    let owner = asset.map(|one| format!("owner {}", one.owner)).filter(|owner| owner != "owner ");
    let parts: Vec<String> = name.into_iter().chain(owner).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn who(finding: &Finding) -> String {
    let mut parts = vec![row::who(finding)];
    if let Some(contact) = &finding.contact {
        let ip = contact.client_ip.to_string();
        parts.extend(Some(format!("address {ip}")).filter(|_| finding.device != ip));
        parts.extend(contact.client_mac.as_deref().filter(|mac| *mac != finding.device).map(safe_name));
        parts.extend(contact.vlan.map(|vlan| format!("VLAN {vlan}")));
    }
    if !finding.site.is_empty() && !finding.device.is_empty() {
        parts.push(format!("site {}", safe_text(&finding.site)));
    }
    if finding.devices > 1 {
        parts.push(format!("{} at the site", counted(finding.devices, "device")));
    }
    parts.join(", ")
}

fn service(finding: &Finding) -> String {
    let mut parts = vec![row::service(finding)];
    parts.extend(Some(safe_text(&finding.vendor)).filter(|vendor| !vendor.is_empty()));
    parts.extend(finding.category.map(|category| category.as_str().to_owned()));
    parts.join(", ")
}

fn sure(form: &Form) -> String {
    let evidence = &form.evidence;
    match (&evidence.grade, &evidence.strength) {
        (Some(grade), Some(strength)) => {
            format!("{}: {grade}, {strength}", evidence.host.as_deref().unwrap_or("name hidden"))
        }
        _ => "measured by the sensor itself".to_owned(),
    }
}

fn times(finding: &Finding) -> String {
    let again = match finding.occurrences {
        0 | 1 => "first time".to_owned(),
        times => format!("repeated ({times} times)"),
    };
    format!("{again}, {}", counted(finding.earlier, "earlier finding"))
}

fn told(finding: &Finding) -> &'static str {
    match (finding.alerted, finding.held) {
        (true, _) => "as it opened, to the SIEM where one was configured",
        (false, true) => "held back by the policy's budget; counted in a digest",
        (false, false) => "no event of its own",
    }
}

fn measured(row: &Measurement) -> String {
    let count = row.value.parse::<u64>().ok();
    let value = match (row.unit, count) {
        ("bytes", Some(count)) => bytes(count),
        ("", _) | (_, None) => row.value.clone(),
        (unit, Some(count)) => format!("{} {unit}", number(count)),
    };
    format!("{:<32} {value}  ({})", row.what, row.evidence)
}
