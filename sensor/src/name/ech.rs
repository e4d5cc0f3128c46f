//! Tells real encrypted ClientHellos from GREASE.
//!
//! Browsers send the extension on nearly every hello (RFC 9849 section 6.2), so its presence says nothing. It hides a
//! name only where the outer name is the public name of an ECH configuration (section 6.1: the client puts
//! `public_name` into the outer SNI). Length says nothing either: real and GREASE extensions overlap.

use crate::record::Ech;

/// Public names of deployed ECH configurations.
const PUBLIC_NAMES: [&str; 1] = ["cloudflare-ech.com"];

/// Decides for a hello with outer name `sni`.
pub fn decide(extension_present: bool, sni: Option<&str>) -> Ech {
    match sni {
        _ if !extension_present => Ech::None,
        Some(name) if PUBLIC_NAMES.contains(&name) => Ech::Real,
        _ => Ech::Grease,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_public_name_hides_another() {
        assert_eq!(decide(true, Some("cloudflare-ech.com")), Ech::Real);
        assert_eq!(decide(true, Some("claude.ai")), Ech::Grease);
        assert_eq!(decide(true, None), Ech::Grease);
        assert_eq!(decide(false, Some("cloudflare-ech.com")), Ech::None);
    }
}
