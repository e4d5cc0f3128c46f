//! Local model servers.

use super::core::Core;
use super::flow::Seen;

impl Core<'_> {
    pub(super) fn local_server(&mut self, _seen: &Seen<'_>) -> bool {
        false
    }
}
