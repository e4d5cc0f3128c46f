//! Tells real encrypted ClientHellos from GREASE.
//!
//! Browsers send the extension on nearly every hello (RFC 9849 section 6.2), so its presence says nothing. It hides a
//! name only where the outer name is the public name of an ECH configuration (section 6.1: the client puts
//! `public_name` into the outer SNI). Length says nothing either: real and GREASE extensions overlap.
//!
//! Some public names are built in, others are learned from the HTTPS records on this wire. A name that stands outside
//! for itself, or for names below it alone, hides no service: it is the service's. And what one answer says must not
//! make an AI service invisible, so the names of the catalogue are never learned as covers.

use std::collections::BTreeSet;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use rules::catalogue::infra::{Infra, InfraClass};

use crate::record::Ech;

/// Public names that are remembered; the whole Internet has some dozen that matter.
const MAX_NAMES: usize = 4096;
/// µs that a public name outlives its TTL. Clients that ask over encrypted DNS use it unseen, others keep it longer than
/// they should; operators change it within years. A day is until somebody asks in the clear again.
const GRACE: i64 = 86_400_000_000;

/// Public names of ECH configurations that answers on this wire announced.
#[derive(Debug, Default)]
pub struct PublicNames {
    names: HashMap<Arc<str>, Learned, RandomState>,
    /// By their ends: whoever announces names without end pays for no search.
    ends: BTreeSet<(i64, Arc<str>)>,
    /// Names that went for want of room, still alive.
    pub evicted: u64,
}

/// Until when, µs.
#[derive(Debug, Clone, Copy)]
struct Learned {
    /// Some name shows this one outside.
    any: i64,
    /// A name that is neither this one nor below it does.
    foreign: i64,
}

impl PublicNames {
    /// An answer at `time` (µs) says for `ttl` seconds that hellos to `name` show `public` outside.
    pub fn learn(&mut self, public: &str, name: &str, ttl: u32, time: i64) {
        let until = time.saturating_add(i64::from(ttl) * 1_000_000).saturating_add(GRACE);
        let foreign = if is_within(name, public) { i64::MIN } else { until };
        if let Some((key, learned)) = self.names.get_key_value_mut(public) {
            learned.foreign = learned.foreign.max(foreign);
            if until > learned.any {
                self.ends.remove(&(learned.any, key.clone()));
                self.ends.insert((until, key.clone()));
                learned.any = until;
            }
            return;
        }
        self.make_room(time);
        let key: Arc<str> = public.into();
        self.ends.insert((until, key.clone()));
        self.names.insert(key, Learned { any: until, foreign });
    }

    /// True when a hello that shows `outer` may be for another name.
    pub fn hides(&self, outer: &str, time: i64) -> bool {
        self.names.get(outer).is_some_and(|learned| learned.foreign >= time)
    }

    /// In a full table what is over goes, else what ends first: that is what was heard of the longest ago.
    fn make_room(&mut self, time: i64) {
        if self.names.len() < MAX_NAMES {
            return;
        }
        while let Some((end, name)) =
            self.ends.first().filter(|(end, _)| *end < time || self.names.len() >= MAX_NAMES)
        {
            self.evicted += u64::from(*end >= time);
            self.names.remove(name);
            self.ends.pop_first();
        }
    }
}

/// True for the zone itself and what is below it.
fn is_within(name: &str, zone: &str) -> bool {
    name.strip_suffix(zone).is_some_and(|below| below.is_empty() || below.ends_with('.'))
}

/// Decides for a hello with outer name `sni`. `infra` knows the public names of large deployments, `learned` whether
/// another name was learned as one.
pub fn decide(infra: &Infra, present: bool, sni: Option<&str>, learned: impl FnOnce(&str) -> bool) -> Ech {
    let covers = |name| infra.find(name).is_some_and(|hit| hit.class == InfraClass::EchCover) || learned(name);
    match present {
        false => Ech::None,
        true if sni.is_some_and(covers) => Ech::Real,
        true => Ech::Grease,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000;

    #[test]
    fn only_a_public_name_hides_another() {
        let infra = Infra::builtin();
        let learned = |name: &str| name == "cover.example";
        assert_eq!(decide(&infra, true, Some("cloudflare-ech.com"), learned), Ech::Real);
        assert_eq!(decide(&infra, true, Some("crypto.cloudflare.com"), learned), Ech::Real);
        assert_eq!(decide(&infra, true, Some("cover.example"), learned), Ech::Real);
        assert_eq!(decide(&infra, true, Some("claude.ai"), learned), Ech::Grease);
        assert_eq!(decide(&infra, true, None, learned), Ech::Grease);
        assert_eq!(decide(&infra, false, Some("cloudflare-ech.com"), learned), Ech::None);
    }

    #[test]
    fn a_learned_name_outlives_its_ttl_by_a_day() {
        let mut names = PublicNames::default();
        names.learn("cover.example", "chat.test", 3600, 0);
        assert!(names.hides("cover.example", 25 * HOUR) && !names.hides("cover.example", 25 * HOUR + 1));
        assert!(!names.hides("chat.test", 0));
        names.learn("cover.example", "chat.test", 0, HOUR);
        assert!(names.hides("cover.example", 25 * HOUR), "a shorter answer does not end it");
    }

    #[test]
    fn a_name_that_stands_for_itself_hides_nothing() {
        let mut names = PublicNames::default();
        for own in ["site.test", "www.site.test"] {
            names.learn("site.test", own, 60, 0);
        }
        assert!(!names.hides("site.test", 1));
        names.learn("site.test", "notsite.test", 60, 0);
        assert!(names.hides("site.test", 1), "another name behind it");
    }

    #[test]
    fn a_flood_of_names_is_bounded_and_counted() {
        let mut names = PublicNames::default();
        for n in 0..MAX_NAMES as i64 + 10 {
            names.learn("cover.example", "chat.test", 60, n);
            names.learn(&format!("{n}.example"), "flood.test", 60, n);
        }
        assert_eq!((names.names.len(), names.evicted), (MAX_NAMES, 11));
        assert!(names.hides("cover.example", 1), "what is still used stays");
        names.learn("late.example", "flood.test", 60, 48 * HOUR);
        assert_eq!((names.names.len(), names.evicted), (1, 11), "what is over makes room uncounted");
    }
}
