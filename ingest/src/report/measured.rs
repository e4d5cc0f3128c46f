//! Tables of what rules measured: unusual uploads, local models, lost visibility, the sensor's health.

use std::collections::{BTreeMap, BTreeSet};

use super::departments::Folding;
use super::finding_row::folded;
use super::findings::Clocks;
use super::model::{LocalModel, ModelDownload, SensorTrouble, UnusualUpload, VisibilityLost};
use super::tables::few;
use crate::judge::{Detail, Finding, observed};
use crate::time::utc;

/// The findings of the week, with departments as they may be shown.
pub(super) struct Measured<'a> {
    pub(super) clocks: Clocks<'a>,
    pub(super) folding: &'a Folding,
}

impl Measured<'_> {
    /// Uploads that are not usual or over a limit, the largest first.
    pub(super) fn uploads(&self) -> Vec<UnusualUpload> {
        let mut table: Vec<UnusualUpload> =
            self.clocks.shown().filter_map(|finding| self.upload(finding)).collect();
        table.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.uid.cmp(&b.uid)));
        table
    }

    fn upload(&self, finding: &Finding) -> Option<UnusualUpload> {
        let worded = folded(finding, self.folding);
        let reference = |references: &[String], at: usize| references.get(at).cloned().unwrap_or_default();
        let row = UnusualUpload {
            uid: finding.uid.clone(),
            rule: finding.rule.as_str().to_owned(),
            what: String::new(),
            device: finding.device.clone(),
            department: worded.group_name.clone().unwrap_or_default(),
            service: finding.service.clone(),
            name: finding.service_name.clone(),
            status: status(finding),
            severity: finding.severity,
            state: finding.state.as_str().to_owned(),
            clock: self.clocks.clock(finding).as_str().to_owned(),
            new: self.clocks.window.contains(finding.detected_at),
            bytes: 0,
            limit: None,
            since: String::new(),
            own: String::new(),
            of_department: String::new(),
            of_service: String::new(),
            score: None,
            learning: false,
            observed: observed(&worded),
        };
        match &worded.detail {
            Detail::Limit { limit, bytes, per, since, .. } => Some(UnusualUpload {
                what: per.as_str().to_owned(),
                bytes: *bytes,
                limit: Some(*limit),
                since: utc(*since),
                ..row
            }),
            Detail::Anomaly { what, bytes, since, references, score, learning, .. } => Some(UnusualUpload {
                what: what.clone(),
                bytes: *bytes,
                since: utc(*since),
                own: reference(references, 0),
                of_department: reference(references, 1),
                of_service: reference(references, 2),
                score: Some(*score),
                learning: *learning,
                ..row
            }),
            _ => None,
        }
    }

    /// Local model servers, those with most clients first.
    pub(super) fn local_models(&self) -> Vec<LocalModel> {
        let row = |finding: &Finding| {
            let Detail::Local { endpoint, port, clients, .. } = &finding.detail else { return None };
            Some(LocalModel {
                uid: finding.uid.clone(),
                device: finding.device.clone(),
                department: self.department(finding),
                service: finding.service.clone(),
                name: finding.service_name.clone(),
                endpoint: endpoint.map(|endpoint| endpoint.as_str()).unwrap_or_default().to_owned(),
                port: *port,
                clients: *clients,
                turns: finding.turns,
                status: status(finding),
                state: finding.state.as_str().to_owned(),
                clock: self.clocks.clock(finding).as_str().to_owned(),
                detected_at: utc(finding.detected_at),
            })
        };
        let mut table: Vec<LocalModel> = self.clocks.shown().filter_map(row).collect();
        table.sort_by(|a, b| b.clients.cmp(&a.clients).then_with(|| a.uid.cmp(&b.uid)));
        table
    }

    /// Model weights that were fetched, the largest first.
    pub(super) fn downloads(&self) -> Vec<ModelDownload> {
        let row = |finding: &Finding| {
            let Detail::Download { bytes, limit, host, .. } = &finding.detail else { return None };
            Some(ModelDownload {
                uid: finding.uid.clone(),
                device: finding.device.clone(),
                department: self.department(finding),
                service: finding.service.clone(),
                name: finding.service_name.clone(),
                host: host.clone().unwrap_or_default(),
                bytes: *bytes,
                limit: *limit,
                status: status(finding),
                state: finding.state.as_str().to_owned(),
                clock: self.clocks.clock(finding).as_str().to_owned(),
                detected_at: utc(finding.detected_at),
            })
        };
        let mut table: Vec<ModelDownload> = self.clocks.shown().filter_map(row).collect();
        table.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.uid.cmp(&b.uid)));
        table
    }

    /// Devices of which less can be told than before, counted by department and never by name.
    pub(super) fn visibility_lost(&self) -> Vec<VisibilityLost> {
        let mut groups: BTreeMap<String, (BTreeSet<&str>, BTreeSet<&str>)> = BTreeMap::new();
        for finding in self.clocks.shown() {
            if let Detail::Dark { class, .. } = &finding.detail {
                let (devices, classes) = groups.entry(self.department(finding)).or_default();
                devices.insert(&finding.device);
                classes.insert(hidden_by(class));
            }
        }
        let row = |(department, (devices, classes)): (String, (BTreeSet<&str>, BTreeSet<&str>))| VisibilityLost {
            department,
            devices: few(devices.len() as u64),
            hidden_by: classes.into_iter().map(str::to_owned).collect(),
        };
        groups.into_iter().map(row).collect()
    }

    /// Times in which the sensor did not see everything, oldest first.
    pub(super) fn health(&self) -> Vec<SensorTrouble> {
        let row = |finding: &Finding| {
            let Detail::Health { what, since, .. } = &finding.detail else { return None };
            Some(SensorTrouble {
                uid: finding.uid.clone(),
                sensor: finding.device.clone(),
                what: what.clone(),
                observed: observed(finding),
                severity: finding.severity,
                state: finding.state.as_str().to_owned(),
                clock: self.clocks.clock(finding).as_str().to_owned(),
                since: utc(*since),
                closed_at: finding.closed_at.map(utc),
            })
        };
        let mut table: Vec<SensorTrouble> = self.clocks.shown().filter_map(row).collect();
        table.sort_by(|a, b| a.since.cmp(&b.since).then_with(|| a.uid.cmp(&b.uid)));
        table
    }

    fn department(&self, finding: &Finding) -> String {
        finding.group_name.as_deref().and_then(|name| self.folding.label(name)).unwrap_or_default().to_owned()
    }
}

fn status(finding: &Finding) -> String {
    finding.status.map(|status| status.as_str()).unwrap_or_default().to_owned()
}

/// What hides names, short enough for a table.
fn hidden_by(class: &str) -> &str {
    match class {
        "doh" | "dot" => "encrypted DNS",
        "relay" => "a privacy relay",
        "tor" => "Tor",
        "tunnel" => "a tunnel",
        "vpn" => "a VPN",
        "ech-real" => "encrypted server names",
        other => other,
    }
}
