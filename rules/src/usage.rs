//! Contact is not use.
//!
//! | role | weak | likely or definite, nothing sent | likely or definite, a turn or an upload |
//! |---|---|---|---|
//! | app, api, upload | nothing | visited | **used** |
//! | shared | nothing | shared | shared |
//! | auth, cdn, download, model-registry | nothing | visited | visited |
//! | telemetry | nothing | nothing | nothing |
//!
//! "A turn" is an upstream burst of content that the service answered; "an upload" is at least
//! [`UPLOAD_MIN`] bytes upstream. A shared host is never confirmed use, whatever passes over it.

use crate::{
    catalogue::{Role, Strength},
    words::words,
};

/// Upstream payload of one flow record that counts as use without a counted turn. Page loads, sign-ins and
/// their cookies stay below it; a pasted document or a picture does not.
pub const UPLOAD_MIN: u64 = 100_000;

words! {
    /// What contact with a service amounts to. Later is stronger: see [`combine`].
    pub enum Use, "use" {
        /// Contact that says nothing, such as telemetry from another page.
        Nothing = "nothing",
        /// The service was opened, and nothing shows that it was asked anything.
        Visited = "visited",
        /// A host that also serves other things: AI use can be neither confirmed nor ruled out.
        Shared = "shared",
        /// Content was sent and answered.
        Used = "used",
    }
}

/// What one flow record amounts to.
pub fn judge(role: Role, strength: Strength, turns: u64, upload_bytes: u64) -> Use {
    if strength == Strength::Weak {
        return Use::Nothing;
    }
    match role {
        Role::App | Role::Api | Role::Upload if turns > 0 || upload_bytes >= UPLOAD_MIN => Use::Used,
        Role::App | Role::Api | Role::Upload => Use::Visited,
        Role::Auth | Role::Cdn | Role::Download | Role::ModelRegistry => Use::Visited,
        Role::Shared => Use::Shared,
        Role::Telemetry => Use::Nothing,
    }
}

/// What two records of one device and service amount to together: used, else shared, else visited.
pub fn combine(a: Use, b: Use) -> Use {
    a.max(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the module's documentation, cell by cell.
    #[test]
    fn the_table_holds() {
        for &role in Role::ALL {
            let (quiet, busy) = match role {
                Role::App | Role::Api | Role::Upload => (Use::Visited, Use::Used),
                Role::Shared => (Use::Shared, Use::Shared),
                Role::Telemetry => (Use::Nothing, Use::Nothing),
                _ => (Use::Visited, Use::Visited),
            };
            assert_eq!(judge(role, Strength::Weak, 9, UPLOAD_MIN), Use::Nothing, "{role}");
            for strength in [Strength::Likely, Strength::Definite] {
                assert_eq!(judge(role, strength, 0, UPLOAD_MIN - 1), quiet, "{role}");
                assert_eq!(judge(role, strength, 1, 0), busy, "{role}");
                assert_eq!(judge(role, strength, 0, UPLOAD_MIN), busy, "{role}");
            }
        }
    }

    #[test]
    fn the_stronger_observation_wins_in_any_order() {
        for (stronger, weaker) in
            [(Use::Used, Use::Shared), (Use::Shared, Use::Visited), (Use::Visited, Use::Nothing)]
        {
            assert_eq!(combine(stronger, weaker), stronger);
            assert_eq!(combine(weaker, stronger), stronger);
        }
    }
}
