//! From store, findings and rules to the report's model.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use jiff::tz::TimeZone;
use rules::catalogue::Catalogue;
use rules::policy::{self, Policy, Subject};

use super::coverage::Seen;
use super::departments::Folding;
use super::findings::Clocks;
use super::judged::{Judged, devices, judged, services, upload_bytes, used};
use super::measured::Measured;
use super::method::method;
use super::model::{DeviceName, FORM, Pair, Report, Span, Totals};
use super::week::Week;
use super::{access, actions, due, tables, trend};
use crate::db::DbError;
use crate::judge::{Clock, Finding, FindingsDb};
use crate::store::{Store, StoreError};
use crate::time::{HOUR, Window, date, utc};

/// What a report is made with, besides the facts.
#[derive(Debug, Clone)]
pub struct ReportContext<'a> {
    /// What an AI service is.
    pub catalogue: &'a Catalogue,
    /// Who may use it: judges the whole report, past weeks included.
    pub policy: &'a Policy,
    /// The site to report on; empty for all sites of the store.
    pub site: String,
    /// The site's time zone.
    pub time_zone: TimeZone,
    /// The week.
    pub week: Week,
    /// Version of the program, as printed in the method box.
    pub binary: String,
}

/// Why a report could not be built or written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The findings file did not answer.
    #[error(transparent)]
    Findings(#[from] DbError),
    /// A file could not be written.
    #[error(transparent)]
    File(#[from] crate::files::FileError),
    /// The page's template and the model do not fit together: a fault of this program.
    #[error("cannot render the page: {0}")]
    Template(#[from] minijinja::Error),
    /// The model could not be written as JSON: a fault of this program.
    #[error("cannot write the report as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// The newest week of which the store holds a fact, on the site's clock; none when it holds no fact.
pub fn latest_week(store: &dyn Store, zone: &TimeZone) -> Result<Option<Week>, StoreError> {
    Ok(store.newest("", None)?.map(|newest| Week::of(newest, zone)))
}

impl Report {
    /// Builds the report of one week.
    pub fn build(
        store: &dyn Store,
        findings: &FindingsDb,
        context: &ReportContext<'_>,
    ) -> Result<Report, ReportError> {
        let now = Facts::of(store, findings, context, context.week)?;
        let before = Facts::of(store, findings, context, context.week.back(1))?;
        let folding = Folding::of(&now.rows);
        let services = tables::service_table(&now.rows, context.catalogue);
        let measured = Measured { clocks: now.clocks(i64::MAX), folding: &folding };
        let clocks = &measured.clocks;
        let coverage = now.coverage(store, context, &services, measured.health())?;
        let on = date(clocks.at.min(now.window.to.saturating_sub(1)), &context.time_zone);
        let mut report = Report {
            form: FORM,
            site: context.site.clone(),
            window: span(context, &now),
            headline: String::new(),
            totals: totals(&now, &before),
            actions: Vec::new(),
            new_this_week: tables::new_services(&services, &now.first_seen, now.window, context.catalogue),
            unapproved: tables::matrix(&now.rows, &folding, context.catalogue),
            uploads_by_status: tables::uploads_by_status(&now.rows),
            uploads: tables::uploads(&now.rows, context.catalogue),
            unusual_uploads: measured.uploads(),
            local_models: measured.local_models(),
            model_downloads: measured.downloads(),
            access: access::access(&now.rows),
            trend: trend::trend(store, context)?,
            departments: folding.rows(&now.rows),
            findings_by_service: clocks.by_service(),
            findings: clocks.table(&folding),
            device_names: Vec::new(),
            announced: clocks.announced(),
            visibility_lost: measured.visibility_lost(),
            reviews: due::reviews(context.policy, on),
            exceptions: due::exceptions(context.policy, on),
            coverage,
            method: method(context, folding.note.clone()),
            services,
        };
        let told = store.device_names(&context.site, Window { from: 0, to: now.window.to })?;
        report.device_names = names(&report, &now.findings, context.policy, told);
        report.headline = actions::headline(&report);
        report.actions = actions::actions(&report);
        Ok(report)
    }
}

/// What is known about one week.
struct Facts {
    window: Window,
    rows: Vec<Judged>,
    first_seen: BTreeMap<String, i64>,
    newest: Option<i64>,
    seen: bool,
    findings: Vec<Finding>,
}

impl Facts {
    fn of(
        store: &dyn Store,
        findings: &FindingsDb,
        context: &ReportContext<'_>,
        week: Week,
    ) -> Result<Self, ReportError> {
        let window = week.window(&context.time_zone);
        let rows = judged(store, context, window)?;
        Ok(Self {
            seen: seen(store, &context.site, window, &rows)?,
            first_seen: store.first_seen(&context.site, window.to)?,
            newest: store.newest(&context.site, Some(window.to))?.filter(|newest| window.contains(*newest)),
            findings: findings.detected_before(&context.site, window.to)?,
            window,
            rows,
        })
    }

    /// Clocks are read at the newest fact: a week that is still running has not yet run out of time.
    fn clocks(&self, until: i64) -> Clocks<'_> {
        let at = self.newest.unwrap_or(self.window.to);
        Clocks { findings: &self.findings, window: self.window, at, until }
    }

    fn new_services(&self) -> u64 {
        self.first_seen.values().filter(|first| self.window.contains(**first)).count() as u64
    }

    fn coverage(
        &self,
        store: &dyn Store,
        context: &ReportContext<'_>,
        services: &[super::model::ServiceRow],
        health: Vec<super::model::SensorTrouble>,
    ) -> Result<super::model::Coverage, StoreError> {
        let seen = Seen {
            window: self.window,
            ledger: store.ledger(&context.site, self.window)?,
            tallies: &store.tallies(&context.site, self.window)?,
            lookups: &store.lookups(&context.site, self.window)?,
            rows: &self.rows,
            services,
            catalogue: context.catalogue,
            health,
        };
        Ok(seen.coverage())
    }
}

/// The names of devices that the report shows, and of no others.
fn names(
    report: &Report,
    findings: &[Finding],
    policy: &Policy,
    mut told: BTreeMap<String, String>,
) -> Vec<DeviceName> {
    let shown: BTreeSet<&str> = report.findings.iter().map(|row| row.uid.as_str()).collect();
    let mut names = BTreeMap::new();
    for finding in findings.iter().filter(|finding| shown.contains(finding.uid.as_str())) {
        let (mac, ip) = (policy::mac(&finding.device), finding.device.parse::<IpAddr>().ok());
        let ip = finding.contact.as_ref().map(|contact| contact.client_ip).or(ip);
        let asset = ip.and_then(|ip| policy.asset(&Subject { mac, ..Subject::of(ip) }));
        let (name, owner) = asset.map_or_else(Default::default, |one| (one.name.clone(), one.owner.clone()));
        let name = if name.is_empty() { told.remove(&finding.device).unwrap_or_default() } else { name };
        if !name.is_empty() || !owner.is_empty() {
            let device = finding.device.clone();
            names.entry(device.clone()).or_insert(DeviceName { device, name, owner });
        }
    }
    names.into_values().collect()
}

/// True when the sensor saw anything at all: only then is a zero a measurement.
pub(super) fn seen(store: &dyn Store, site: &str, window: Window, rows: &[Judged]) -> Result<bool, StoreError> {
    Ok(!rows.is_empty() || store.ledger(site, window)?.minutes > 0)
}

fn span(context: &ReportContext<'_>, now: &Facts) -> Span {
    Span {
        from: utc(now.window.from),
        to: utc(now.window.to),
        week: context.week.to_string(),
        time_zone: context.time_zone.iana_name().unwrap_or("UTC").to_owned(),
        hours: (now.window.to - now.window.from) / HOUR,
        facts_until: now.newest.map(utc),
    }
}

fn totals(now: &Facts, before: &Facts) -> Totals {
    let pair =
        |number: &dyn Fn(&Facts) -> u64| Pair { now: number(now), before: before.seen.then(|| number(before)) };
    // Findings of this week are as they stand; those of the week before, as they stood at its end.
    let clocks = |number: &dyn Fn(&Clocks<'_>) -> u64| Pair {
        now: number(&now.clocks(i64::MAX)),
        before: before.seen.then(|| number(&before.clocks(before.window.to))),
    };
    Totals {
        services_used: pair(&|facts| services(used(&facts.rows))),
        unapproved_services_used: pair(&|facts| services(used(&facts.rows).filter(|row| row.unapproved()))),
        new_services: pair(&Facts::new_services),
        devices: pair(&|facts| devices(used(&facts.rows))),
        bytes_uploaded: pair(&|facts| upload_bytes(used(&facts.rows))),
        findings_open: clocks(&|clocks| clocks.open()),
        findings_late: clocks(&|clocks| clocks.late()),
        deadlines_met: clocks(&|clocks| clocks.deadlines(Clock::Met)),
        deadlines_missed: clocks(&|clocks| clocks.deadlines(Clock::Missed)),
        deadlines_running: clocks(&|clocks| clocks.deadlines(Clock::Running)),
    }
}
