//! Reviews of the policy that are due, and findings that a new policy has settled.

use super::core::Core;

/// Under which the day of the last look is kept.
pub(super) const MARK: &str = "reviewed";

impl Core<'_> {
    pub(super) fn reviews(&mut self) {}
    pub(super) fn policy_changed(&mut self, _at: i64) {}
}
