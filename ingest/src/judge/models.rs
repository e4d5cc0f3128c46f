//! Downloads of model weights.

use super::core::Core;
use super::flow::Seen;

impl Core<'_> {
    pub(super) fn model_download(&mut self, _seen: &Seen<'_>) -> bool {
        false
    }
}
