//! Tells real encrypted ClientHellos from GREASE.
//!
//! Browsers send the extension on nearly every hello (RFC 9849 section 6.2), so its presence says nothing. It hides a
//! name only where the outer name is the public name of an ECH configuration (section 6.1: the client puts
//! `public_name` into the outer SNI). Length says nothing either: real and GREASE extensions overlap.

use rules::catalogue::infra::{Infra, InfraClass};

use crate::record::Ech;

/// Decides for a hello with outer name `sni`; `infra` knows the public names of deployed ECH configurations.
pub fn decide(infra: &Infra, extension_present: bool, sni: Option<&str>) -> Ech {
    if !extension_present {
        return Ech::None;
    }
    let cover = sni.and_then(|name| infra.find(name)).is_some_and(|hit| hit.class == InfraClass::EchCover);
    if cover { Ech::Real } else { Ech::Grease }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_public_name_hides_another() {
        let infra = Infra::builtin();
        assert_eq!(decide(&infra, true, Some("cloudflare-ech.com")), Ech::Real);
        assert_eq!(decide(&infra, true, Some("claude.ai")), Ech::Grease);
        assert_eq!(decide(&infra, true, None), Ech::Grease);
        assert_eq!(decide(&infra, false, Some("cloudflare-ech.com")), Ech::None);
    }
}
