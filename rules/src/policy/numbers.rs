//! Clients and services in numbers, for whoever decides often about the same ones.
//!
//! A number is found once per client and once per service; a decision between numbers compares no text and
//! allocates nothing. Numbers belong to the policy that gave them: under another one they mean something else.

use jiff::civil::{Date, DateTime};

use super::{
    Policy, Status, Subject,
    table::{Usage, Verdict},
};
use crate::catalogue::{Category, Plan, Service};

/// The group of a client, in this policy's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientNumber(pub(super) Option<u16>);

/// A service, in this policy's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ServiceNumber {
    service: Option<u32>,
    category: Category,
}

impl Policy {
    /// The number of a client: one binary search for its address, and one hash for its device and its site
    /// where the policy names any.
    pub fn client_number(&self, client: &Subject<'_>) -> ClientNumber {
        ClientNumber(self.members.find(client))
    }

    /// The number of a service: one hash of its id.
    pub fn service_number(&self, service: &Service) -> ServiceNumber {
        ServiceNumber { service: self.table.number(&service.id), category: service.category }
    }

    /// Status and severity, as [`decide_for`](Policy::decide_for) gives them, without the sentence.
    pub fn status_of(
        &self,
        client: ClientNumber,
        service: ServiceNumber,
        plan: Option<Plan>,
        at: Option<DateTime>,
        on: Date,
    ) -> (Status, u8) {
        let usage = usage(client.0, service, plan, Usage::minute(at), on);
        let verdict = self.table.judge(&usage);
        (verdict.status, verdict.severity)
    }

    /// The answer for a group, with what it stands on.
    pub(super) fn verdict(
        &self,
        group: Option<u16>,
        service: &Service,
        plan: Option<Plan>,
        minute: Option<u16>,
        on: Date,
    ) -> Verdict {
        self.table.judge(&usage(group, self.service_number(service), plan, minute, on))
    }

    /// Indices of the rules for a group's use of a service, the most specific first.
    pub(super) fn row(&self, group: Option<u16>, service: &Service, on: Date) -> impl Iterator<Item = usize> {
        self.table.row(usage(group, self.service_number(service), None, None, on)).map(|rule| rule as usize)
    }
}

fn usage(group: Option<u16>, of: ServiceNumber, plan: Option<Plan>, minute: Option<u16>, on: Date) -> Usage {
    Usage { group, service: of.service, category: of.category, plan, minute, on }
}
