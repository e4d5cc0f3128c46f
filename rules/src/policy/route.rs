//! Who hears of a finding, when it may be sent, and what is held back.

use jiff::{ToSpan, civil::Date, civil::DateTime};

use super::{Group, Hours, Policy, Subject, hours};
use crate::catalogue::Service;

/// Who hears of a site's findings. Names of sinks or addresses, as the policy's author wrote them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Route<'a> {
    /// Security, or the provider's Security Lead.
    pub security: Option<&'a str>,
    /// The Risk Owner.
    pub risk_owner: Option<&'a str>,
    /// The client whose site it is. Set only where the site's own table says so.
    pub client: Option<&'a str>,
}

/// `[routes]` and one table per site.
#[derive(Debug, Clone, Default)]
pub(super) struct Routes {
    pub(super) everywhere: Recipients,
    pub(super) sites: Vec<(String, Recipients)>,
}

/// Who hears of it, by one table.
#[derive(Debug, Clone, Default)]
pub(super) struct Recipients {
    pub(super) line: usize,
    pub(super) security: Option<String>,
    pub(super) risk_owner: Option<String>,
    pub(super) client: Option<String>,
}

/// When findings wait, and from which severity on they do not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct QuietHours {
    pub(super) hours: Hours,
    pub(super) urgent_from: u8,
}

/// Findings that are held back on purpose. All that it names must fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// Line in the policy file.
    pub line: usize,
    /// Service ids; empty: any.
    pub services: Vec<String>,
    /// Group ids; empty: any.
    pub groups: Vec<String>,
    /// Device ids; empty: any.
    pub devices: Vec<String>,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// Its last day.
    pub expires: Date,
}

impl Suppression {
    /// True after its last day.
    pub fn expired(&self, on: Date) -> bool {
        on > self.expires
    }

    fn fits(&self, client: &Subject<'_>, group: Option<&Group>, service: Option<&Service>) -> bool {
        let any = |list: &[String], id: Option<&str>| {
            list.is_empty() || id.is_some_and(|id| list.iter().any(|entry| entry == id))
        };
        any(&self.services, service.map(|service| service.id.as_str()))
            && any(&self.groups, group.map(|group| group.id.as_str()))
            && (any(&self.devices, client.device)
                || any(&self.devices, Some(&client.ip.to_canonical().to_string())))
    }
}

impl Policy {
    /// Who hears of findings at a site: its own table, and for what that leaves out, `[routes]`. A client is
    /// never told unless the site's own table names it.
    pub fn route(&self, site: Option<&str>) -> Route<'_> {
        let all = &self.routes.everywhere;
        let own = self.routes.sites.iter().find(|(id, _)| Some(id.as_str()) == site).map(|(_, own)| own);
        Route {
            security: own.and_then(|own| own.security.as_deref()).or(all.security.as_deref()),
            risk_owner: own.and_then(|own| own.risk_owner.as_deref()).or(all.risk_owner.as_deref()),
            client: own.and_then(|own| own.client.as_deref()),
        }
    }

    /// When a finding that is detected now may be sent, if it has to wait: the end of the quiet hours around a
    /// moment in the site's own time zone. `None`: at once.
    pub fn quiet_until(&self, at: DateTime, severity: u8) -> Option<DateTime> {
        let quiet = self.quiet.as_ref().filter(|quiet| severity < quiet.urgent_from)?;
        let now = hours::minute(at);
        let left = i64::from(quiet.hours.left(now)?);
        let minute = at.with().second(0).subsec_nanosecond(0).build().ok()?;
        minute.checked_add(left.minutes()).ok()
    }

    /// The suppression that holds back a finding on a day.
    pub fn suppressed(&self, client: &Subject<'_>, service: &Service, on: Date) -> Option<&Suppression> {
        self.held_back(client, Some(service), on)
    }

    /// The same for a finding about a device alone: a suppression that names services does not fit.
    pub fn suppressed_device(&self, client: &Subject<'_>, on: Date) -> Option<&Suppression> {
        self.held_back(client, None, on)
    }

    fn held_back(&self, client: &Subject<'_>, service: Option<&Service>, on: Date) -> Option<&Suppression> {
        if self.suppressions.is_empty() {
            return None;
        }
        let group = self.group_for(client);
        self.suppressions.iter().find(|one| !one.expired(on) && one.fits(client, group, service))
    }

    /// All suppressions, in the order of the file, also those that have expired.
    pub fn suppressions(&self) -> &[Suppression] {
        &self.suppressions
    }
}
