//! Drains the spool within this process, and says what the store and the SIEM did.

#[cfg(feature = "live")]
mod discover;
#[cfg(feature = "live")]
mod live;

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
#[cfg(feature = "live")]
use std::time::Duration;

use ingest::deliver::{DeliverConfig, Delivered, Deliverer, Judging, OpenError, QUEUES};
use ingest::judge::FindingsDb;
use ingest::report::{Report, ReportContext, Week};
use ingest::siem::SiemReport;
use ingest::store::Store;
use ingest::store::clickhouse::Patience;
use ingest::text::counted;
use rules::policy::Policy;
use sensor::spool::Spool;

use crate::config::Setup;
use crate::exit::Failure;
use crate::rules_files::Rules;
use crate::terminal;

#[cfg(feature = "live")]
pub(crate) use discover::Discovery;
#[cfg(feature = "live")]
pub(crate) use live::Delivering;

/// Spool and delivery on one data directory.
pub(crate) struct Delivery {
    /// The spool that delivery reads.
    pub(crate) spool: Spool,
    deliverer: Deliverer,
    #[cfg_attr(not(feature = "live"), allow(dead_code, reason = "only `run` lives long enough"))]
    changing: Changing,
    #[cfg_attr(not(feature = "live"), allow(dead_code, reason = "only `run` has time to wait"))]
    patience: Patience,
    #[cfg(feature = "live")]
    gather: Duration,
    warned: Warned,
}

/// Catalogue and policy that may be renewed while the judge is at work.
pub(crate) struct Changing {
    rules: Rules,
    generation: u64,
    renewed: Renewed,
}

/// A policy that waits to be put in force: the main thread reads the file, the judging one takes it over.
#[derive(Debug, Clone, Default)]
pub(crate) struct Renewed(Arc<Mutex<Option<Arc<Policy>>>>);

impl Renewed {
    /// Leaves a policy here.
    #[cfg(feature = "live")]
    pub(crate) fn put(&self, policy: Policy) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(policy));
    }

    fn take(&self) -> Option<Arc<Policy>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[cfg_attr(not(feature = "live"), allow(dead_code, reason = "only `run` lives long enough"))]
impl Changing {
    /// Puts in force what has been renewed.
    fn apply(&mut self, judging: &mut Judging) {
        if self.rules.generation() != self.generation {
            self.generation = self.rules.generation();
            judging.set_catalogue(self.rules.current());
        }
        if let Some(policy) = self.renewed.take() {
            judging.set_policy(policy);
        }
    }
}

impl Delivery {
    /// Opens spool, store and findings.
    pub(crate) fn open(setup: &Setup) -> Result<Self, Failure> {
        Self::on(setup, Spool::open(&setup.data_dir.join("spool"), &QUEUES)?)
    }

    /// The same beside a process that senses.
    #[cfg(feature = "live")]
    pub(crate) fn beside(setup: &Setup) -> Result<Self, Failure> {
        Self::on(setup, Spool::beside(&setup.data_dir.join("spool"), &QUEUES)?)
    }

    fn on(setup: &Setup, spool: Spool) -> Result<Self, Failure> {
        let config = DeliverConfig {
            data_dir: setup.data_dir.clone(),
            spool: spool.clone(),
            catalogue: setup.rules.current(),
            policy: setup.policy.clone(),
            sinks: setup.sinks.clone(),
            time_zone: setup.time_zone.clone(),
        };
        let (store, patience) = setup.store.open_patient(&setup.data_dir, &setup.time_zone)?;
        let deliverer = Deliverer::with_store(config, store).map_err(|error| match error {
            // A wrong certificate is a wrong configuration.
            OpenError::Sink(error) => Failure::usage(error),
            OpenError::Db(error) => error.into(),
        })?;
        let rules = setup.rules.clone();
        let changing = Changing { generation: rules.generation(), rules, renewed: Renewed::default() };
        Ok(Self {
            spool,
            deliverer,
            changing,
            patience,
            #[cfg(feature = "live")]
            gather: setup.store.gather(),
            warned: Warned::default(),
        })
    }

    /// Where another policy is put, to be in force from the next round on.
    #[cfg(feature = "live")]
    pub(crate) fn renewed(&self) -> Renewed {
        self.changing.renewed.clone()
    }

    /// Delivers what waits. Packet time alone counts. A SIEM that is down is a warning: its events wait in the findings
    /// file. What a round did counts also where a part of it failed.
    pub(crate) fn drain(&mut self) -> (Delivered, Result<(), Failure>) {
        let (delivered, ended) = match self.deliverer.drain(None) {
            Ok(delivered) => (delivered, Ok(())),
            Err(error) => {
                let failure = Failure::Failed(error.to_string());
                (*error.delivered, Err(failure))
            }
        };
        self.warned.about(&delivered);
        (delivered, ended)
    }
}

/// What was warned of already: each round would say it again.
#[derive(Debug, Default)]
struct Warned {
    strange: bool,
    unmeasured: bool,
}

impl Warned {
    fn about(&mut self, delivered: &Delivered) {
        if delivered.rejected > 0 {
            let lines = counted(delivered.rejected, "line");
            terminal::warning(&format!("{lines} of the spool held no record; they are kept in spool/rejects"));
        }
        if delivered.store.set_aside > 0 {
            terminal::warning(&format!(
                "the store can never take {} of the spool: `shadowtap spool rejects` says why, and `spool replay` \
                 brings back what lies aside",
                counted(delivered.store.set_aside, "batch file")
            ));
        }
        if delivered.strange > 0 && !std::mem::replace(&mut self.strange, true) {
            terminal::warning(&format!(
                "times that cannot be, more than a year ahead of what was judged before: {} not judged; check the \
                 clocks",
                counted(delivered.strange, "fact")
            ));
        }
        if delivered.unmeasured > 0 && !std::mem::replace(&mut self.unmeasured, true) {
            terminal::warning(&format!(
                "the baselines had no room for {}: unusual use may be missed for some devices",
                counted(delivered.unmeasured, "upload sum")
            ));
        }
    }
}

/// Which SIEM sinks have events waiting, and why: a line for each.
pub(crate) fn waiting(delivered: &Delivered) -> Vec<String> {
    delivered.siem.iter().filter_map(|report| siem_trouble(report, true)).collect()
}

/// What a sink could not deliver, if there is anything; what waits without a reason is said at the end alone.
fn siem_trouble(report: &SiemReport, ending: bool) -> Option<String> {
    let refused = report.refused_why.as_ref().map(|why| {
        let events = counted(report.refused, "event");
        format!("{} will never take {events}: {why}; `shadowtap siem status` counts them", report.sink)
    });
    let waiting = match &report.error {
        Some(why) if report.waiting > 0 => Some(format!("events wait for the SIEM: {why}")),
        None if report.waiting > 0 && ending => Some(format!("events wait for the SIEM {}", report.sink)),
        _ => None,
    };
    let trouble: Vec<String> = refused.into_iter().chain(waiting).collect();
    (!trouble.is_empty()).then(|| trouble.join("; "))
}

/// The report of a week (by default the newest in the store), built from the data directory.
pub(crate) fn weekly_report(setup: &Setup, week: Option<Week>) -> Result<Report, Failure> {
    must_have_facts(setup)?;
    let store = setup.store.open(&setup.data_dir, &setup.time_zone)?;
    let findings = FindingsDb::open(&setup.data_dir)?;
    let week = match week {
        Some(week) => week,
        None => newest_week(store.as_ref(), setup)?,
    };
    let context = ReportContext {
        catalogue: &setup.rules.current(),
        policy: &setup.policy,
        site: setup.report_site.clone(),
        time_zone: setup.time_zone.clone(),
        week,
        binary: env!("CARGO_PKG_VERSION").to_owned(),
    };
    Ok(Report::build(store.as_ref(), &findings, &context)?)
}

fn newest_week(store: &dyn Store, setup: &Setup) -> Result<Week, Failure> {
    ingest::report::latest_week(store, &setup.time_zone)?.ok_or_else(|| no_facts(setup))
}

/// An error where there is no store yet: opening it would make an empty one.
pub(crate) fn must_have_facts(setup: &Setup) -> Result<(), Failure> {
    may_look(&setup.data_dir)?;
    if setup.store.is_missing(&setup.data_dir) { Err(no_facts(setup)) } else { Ok(()) }
}

/// An error where this user may not look into the data directory: what is there would seem missing.
pub(crate) fn may_look(data_dir: &Path) -> Result<(), Failure> {
    match fs::metadata(data_dir.join(".")) {
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => Err(Failure::Failed(format!(
            "cannot look into the data directory {}: {e}; ask as its owner, or with sudo",
            data_dir.display()
        ))),
        _ => Ok(()),
    }
}

fn no_facts(setup: &Setup) -> Failure {
    Failure::Failed(format!(
        "the store {} holds no facts yet: `shadowtap read FILE` or `shadowtap run -i IFACE` brings some",
        setup.store.name(&setup.data_dir)
    ))
}
