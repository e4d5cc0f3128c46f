//! The first sight of a service at a site.

use rules::policy::FindingRule;
use rules::usage::Use;

use super::Detail;
use super::core::Core;
use super::flow::Seen;
use super::opening::{About, Opening};

impl Core<'_> {
    /// Opens the site's first sight of a service, whatever its status; it is told where nothing else was.
    pub(super) fn first_sight(&mut self, seen: &Seen<'_>, opened: bool) {
        if seen.usage < Use::Shared {
            return;
        }
        let flow = seen.flow;
        let about = About { device: "", ..seen.about(FindingRule::FirstSight) };
        let uid = about.uid();
        if self.cases.get(uid).is_some() {
            return;
        }
        self.count(&about, uid, seen);
        let detail = Detail::FirstSight { device: flow.device.clone(), shared: seen.usage == Use::Shared };
        let opening = self.opening(seen, FindingRule::FirstSight, detail);
        self.open(&about, Opening { quiet: opened, ..opening });
    }
}
