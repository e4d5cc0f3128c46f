//! Local model servers: the owner of the server is asked, not those who use it.

use rules::policy::{FindingRule, Subject};

use super::Detail;
use super::core::Core;
use super::detail::CLIENTS_SHOWN;
use super::finding::uid_text;
use super::flow::{Seen, group, rule_of};
use super::life::Standing;
use super::opening::{About, Opening};

/// Clients of one server that are told apart; there are never more worth counting.
const CLIENTS_MAX: usize = 1000;

impl Core<'_> {
    /// A flow to a local model server; true when it opened a finding about the server.
    pub(super) fn local_server(&mut self, seen: &Seen<'_>) -> bool {
        let server = seen.flow.server_ip.to_string();
        let about = About { device: &server, ..seen.about(FindingRule::LocalModelServer) };
        // Whether a server may run is asked of the server's group, not of its client's.
        let owner =
            Subject { ip: seen.flow.server_ip, vlan: None, device: Some(&server), mac: None, ..seen.subject };
        let policy = self.judge.policy.clone();
        let (client, number) = (policy.client_number(&owner), policy.service_number(seen.service));
        let (status, severity) = policy.status_of(client, number, seen.flow.plan, owner.at, seen.on);
        if rule_of(status).is_none() || policy.suppressed(&owner, seen.service, seen.on).is_some() {
            return false;
        }
        let seen = Seen { subject: owner, status, severity, ..*seen };
        let uid = about.uid();
        self.count(&about, uid, &seen);
        let clients = self.client(uid, &seen.flow.device);
        if seen.flow.turns == 0 && seen.flow.endpoint.is_none() {
            return false;
        }
        match self.standing(uid, seen.at) {
            Standing::Fresh | Standing::Returning => {
                let opening = self.opening(&seen, FindingRule::LocalModelServer, self.local_detail(&seen, clients));
                let group = policy.group_for(&owner).map(group);
                self.open(&about, Opening { group, ..opening });
                true
            }
            Standing::Open => {
                let detail = self.local_detail(&seen, clients);
                if let Some(finding) = self.cases.change(uid).filter(|finding| changes(&finding.detail, &detail)) {
                    finding.detail = detail;
                }
                self.changed(uid, seen.at);
                false
            }
            Standing::Resting => false,
        }
    }

    /// Enters a client of a server and counts them.
    fn client(&mut self, uid: u64, device: &str) -> u64 {
        let name = uid_text(uid);
        let known = self.cases.memory.clients.get(&name);
        if known.is_none_or(|known| known.len() < CLIENTS_MAX && !known.iter().any(|client| client == device)) {
            self.cases.memory.clients.change(&name, i64::MAX).push(device.to_owned());
        }
        self.cases.memory.clients.get(&name).map_or(0, |known| known.len() as u64)
    }

    fn local_detail(&self, seen: &Seen<'_>, clients: u64) -> Detail {
        let about = About { device: &seen.flow.server_ip.to_string(), ..seen.about(FindingRule::LocalModelServer) };
        let known = self.cases.memory.clients.get(&uid_text(about.uid()));
        Detail::Local {
            endpoint: seen.flow.endpoint,
            port: seen.flow.server_port,
            clients,
            shown: known.into_iter().flatten().take(CLIENTS_SHOWN).cloned().collect(),
        }
    }
}

/// True when a later detail says more: another client, or what the server speaks.
fn changes(old: &Detail, new: &Detail) -> bool {
    match (old, new) {
        (Detail::Local { endpoint, clients, .. }, Detail::Local { endpoint: now, clients: more, .. }) => {
            clients != more || (endpoint.is_none() && now.is_some())
        }
        _ => true,
    }
}
