//! Drains the spool within this process, and says what the store and the SIEM did.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ingest::deliver::{DeliverConfig, Delivered, Deliverer, QUEUES};
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

/// A live sensor's facts gather for this long on their way to a server.
const GATHER: Duration = Duration::from_secs(10);

/// Spool and delivery on one data directory.
pub(crate) struct Delivery {
    /// The spool that delivery reads.
    pub(crate) spool: Spool,
    deliverer: Deliverer,
    rules: Rules,
    generation: u64,
    patience: Patience,
    renewed: Renewed,
    /// What was warned of already: strange times, uploads that are not measured. Each round would say it again.
    warned: [bool; 2],
}

/// A policy that waits to be put in force: the sensing thread reads the file, the delivering one takes it over.
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

impl Delivery {
    /// Opens spool, store and findings.
    pub(crate) fn open(setup: &Setup) -> Result<Self, Failure> {
        let spool = Spool::open(&setup.data_dir.join("spool"), &QUEUES)?;
        let config = DeliverConfig {
            data_dir: setup.data_dir.clone(),
            spool: spool.clone(),
            catalogue: setup.rules.current(),
            policy: setup.policy.clone(),
            syslog: setup.syslog.clone(),
            time_zone: setup.time_zone.clone(),
        };
        let (store, patience) = setup.store.open_patient(&setup.data_dir, &setup.time_zone)?;
        let deliverer = Deliverer::with_store(config, store)?;
        let rules = setup.rules.clone();
        let generation = rules.generation();
        let renewed = Renewed::default();
        Ok(Self { spool, deliverer, generation, rules, patience, renewed, warned: [false; 2] })
    }

    /// Where another policy is put, to be in force from the next round on.
    #[cfg(feature = "live")]
    pub(crate) fn renewed(&self) -> Renewed {
        self.renewed.clone()
    }

    /// From now on facts for a server gather for some seconds, or no longer at all. Findings never wait.
    #[cfg_attr(not(feature = "live"), allow(dead_code, reason = "only `run` has time to wait"))]
    pub(crate) fn gather(&self, gather: bool) {
        self.patience.set(if gather { GATHER } else { Duration::ZERO });
    }

    /// Delivers what waits; a live sensor gives the clock's time, µs UTC, so that deadlines pass. A SIEM that is down
    /// is a warning: its events wait in the findings file.
    pub(crate) fn drain(&mut self, now: Option<i64>) -> Result<Delivered, Failure> {
        if self.rules.generation() != self.generation {
            self.generation = self.rules.generation();
            self.deliverer.set_catalogue(self.rules.current());
        }
        if let Some(policy) = self.renewed.take() {
            self.deliverer.set_policy(policy);
        }
        let delivered = self.deliverer.drain(now)?;
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
        self.warn_once(&delivered);
        Ok(delivered)
    }

    /// What lasts is said once per process.
    fn warn_once(&mut self, delivered: &Delivered) {
        let [strange, unmeasured] = &mut self.warned;
        if delivered.strange > 0 && !std::mem::replace(strange, true) {
            terminal::warning(&format!(
                "times that cannot be, more than a year ahead of what was judged before: {} not judged; check the \
                 clocks",
                counted(delivered.strange, "fact")
            ));
        }
        if delivered.unmeasured > 0 && !std::mem::replace(unmeasured, true) {
            terminal::warning(&format!(
                "the baselines had no room for {}: unusual use may be missed for some devices",
                counted(delivered.unmeasured, "upload sum")
            ));
        }
    }
}

/// Which SIEM sinks have events waiting, and why: a line for each.
pub(crate) fn waiting(delivered: &Delivered) -> Vec<String> {
    let line = |sink: &SiemReport| match &sink.error {
        Some(why) => format!("events wait for the SIEM: {why}"),
        None => format!("events wait for the SIEM {}", sink.address),
    };
    delivered.siem.iter().filter(|sink| sink.waiting > 0).map(line).collect()
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
    if setup.store.is_missing(&setup.data_dir) { Err(no_facts(setup)) } else { Ok(()) }
}

fn no_facts(setup: &Setup) -> Failure {
    Failure::Failed(format!(
        "the store {} holds no facts yet: `shadowtap read FILE` or `shadowtap run -i IFACE` brings some",
        setup.store.name(&setup.data_dir)
    ))
}
