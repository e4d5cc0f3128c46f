//! `findings ack` and `findings close`: what people do with findings.

use ingest::judge::{Act, Clock, FindError, Finding, FindingsDb, Judge, State, observed};
use ingest::text::{counted, safe_text};
use ingest::time::utc;

use super::clock;
use crate::config::{Setup, SetupArgs};
use crate::exit::{Done, Failure, Outcome};
use crate::terminal::Output;
use crate::time::now;

/// Arguments of `findings ack`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shadowtap findings ack 0cfe7ef4
  shadowtap findings ack 0cfe7ef4 91d2 --by \"Ana Ruiz\" --note \"talking to Finance\"

Either all of the findings are taken on or none. An event about each goes to the SIEM in the next \
round of delivery.")]
pub(super) struct AckArgs {
    /// Ids of the findings, or their first digits
    #[arg(required = true, value_name = "UID")]
    uids: Vec<String>,
    /// Who takes them on [default: your login name]
    #[arg(long, value_name = "WHO")]
    by: Option<String>,
    /// A note for the history
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    note: String,
    #[command(flatten)]
    setup: SetupArgs,
}

/// Arguments of `findings close`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shadowtap findings close 0cfe7ef4 --reason \"tool assessed, ticket 4711\"
  shadowtap findings close 0cfe7ef4 91d2 --by \"Ana Ruiz\" --reason \"one test, nothing went in\"

Either all of the findings are closed or none. The same use on a later day opens a finding again.")]
pub(super) struct CloseArgs {
    /// Ids of the findings, or their first digits
    #[arg(required = true, value_name = "UID")]
    uids: Vec<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who closes them [default: your login name]
    #[arg(long, value_name = "WHO")]
    by: Option<String>,
    #[command(flatten)]
    setup: SetupArgs,
}

type Doing = fn(&mut FindingsDb, &str, &Act<'_>, &Judge) -> Result<Finding, FindError>;

/// Runs `ack`.
pub(super) fn acknowledge(args: &AckArgs) -> Outcome {
    let refused = [State::Acknowledged, State::Closed];
    act(&args.setup, &args.uids, args.by.as_deref(), &args.note, &refused, FindingsDb::acknowledge)
}

/// Runs `close`.
pub(super) fn close(args: &CloseArgs) -> Outcome {
    if args.reason.trim().is_empty() {
        return Err(Failure::Usage("--reason is empty: say in a few words why the finding is closed".into()));
    }
    act(&args.setup, &args.uids, args.by.as_deref(), &args.reason, &[State::Closed], FindingsDb::close)
}

fn act(
    setup: &SetupArgs,
    uids: &[String],
    by: Option<&str>,
    text: &str,
    refused: &[State],
    doing: Doing,
) -> Outcome {
    let who = who(by)?;
    let setup = Setup::load(setup)?;
    let mut db = super::open(&setup)?;
    let judge = setup.judge();
    let chosen = choose(&db, uids, refused)?;
    let act = Act { who: &who, text: text.trim(), at: now() };
    let mut out = Output::new();
    let mut events = 0;
    for uid in &chosen {
        let finding = doing(&mut db, uid, &act, &judge)?;
        events += u64::from(finding.alerted);
        out.line(line(&finding, act.at))?;
    }
    out.line(siem(&judge, events))?;
    out.finish()?;
    Ok(Done::Clean)
}

/// The findings that are meant, each once; an error before anything is changed when one of them cannot be.
fn choose(db: &FindingsDb, uids: &[String], refused: &[State]) -> Result<Vec<String>, Failure> {
    let nothing = if uids.len() > 1 { "; nothing was changed" } else { "" };
    let mut chosen: Vec<(bool, String)> = Vec::new();
    for prefix in uids {
        super::named(prefix)?;
        let found = db.find(prefix).map_err(|e| Failure::Failed(format!("{e}{nothing}")))?;
        if refused.contains(&found.state) {
            return Err(Failure::Failed(format!("{}{nothing}", already(&found))));
        }
        let one = (found.alerted, found.uid);
        if !chosen.contains(&one) {
            chosen.push(one);
        }
    }
    // Whoever stands for others comes after them, or closing it would tell of one that closes next.
    chosen.sort_by_key(|(alerted, _)| *alerted);
    Ok(chosen.into_iter().map(|(_, uid)| uid).collect())
}

fn already(finding: &Finding) -> String {
    let said = |at: Option<i64>, by: &Option<String>| {
        format!("{} by {}", utc(at.unwrap_or_default()), safe_text(by.as_deref().unwrap_or("nobody")))
    };
    match finding.state {
        State::Closed => {
            let why = safe_text(finding.closed_reason.as_deref().unwrap_or_default());
            format!("finding {} was closed {}: {why}", finding.uid, said(finding.closed_at, &finding.closed_by))
        }
        _ => {
            let when = said(finding.acknowledged_at, &finding.acknowledged_by);
            format!("finding {} was acknowledged {when}", finding.uid)
        }
    }
}

/// Who acts: the name that was given, or the login name of whoever runs the command.
fn who(by: Option<&str>) -> Result<String, Failure> {
    let name = |name: String| Some(name.trim().to_owned()).filter(|name| !name.is_empty());
    if let Some(by) = by {
        return name(by.to_owned()).ok_or_else(|| Failure::Usage("--by is empty: name who acts".into()));
    }
    let login = ["SUDO_USER", "USER"].into_iter().find_map(|key| std::env::var(key).ok().and_then(name));
    login.ok_or_else(|| {
        Failure::Usage("it is not known who you are (no SUDO_USER, no USER): name it with --by".into())
    })
}

fn line(finding: &Finding, now: i64) -> String {
    let clock = match finding.clock(now) {
        Clock::None => String::new(),
        _ => format!(" (clock: {})", clock::words(finding, now)),
    };
    format!("{} {}{clock}: {}", finding.state.as_str(), finding.uid, safe_text(&observed(finding)))
}

fn siem(judge: &Judge, events: u64) -> String {
    match (judge.sinks.as_slice(), events) {
        ([], _) => "no SIEM is configured: no event is sent".to_owned(),
        (_, 0) => "their opening was not told to the SIEM, so this is not either".to_owned(),
        (sinks, events) => format!(
            "{} for {} in the outbox; the next round of `shadowtap run` (or `read`) sends them",
            counted(events, "event"),
            sinks.iter().map(|sink| sink.name.as_str()).collect::<Vec<_>>().join(", ")
        ),
    }
}
