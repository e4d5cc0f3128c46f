//! What HTTPS answers told a client about a name: whether its hellos may be encrypted, and what they show outside.
//!
//! A client cannot hide a name without its configuration. So among the names that a client knows for an address, a real
//! encrypted hello is for one whose configuration has the public name that it shows.

use std::hash::BuildHasher;
use std::net::IpAddr;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

/// Answers that are remembered, as hashes: 5,000 clients with two dozen names each. Beyond it the older half goes.
const MAX_CONFIGS: usize = 1 << 17;
/// µs that an answer outlives its TTL: no claim on an address that it is used for lives longer.
const GRACE: i64 = 86_400_000_000;
/// Public names of one answer that are kept.
const MAX_PUBLIC: usize = 4;

/// What the clients of one worker know.
#[derive(Debug, Default)]
pub struct Configs {
    young: HashMap<u64, Config, RandomState>,
    old: HashMap<u64, Config, RandomState>,
    hasher: RandomState,
}

#[derive(Debug, Clone)]
struct Config {
    expires: i64,
    /// Absent when the client asked and no answer was seen; empty when there is no configuration.
    public: Option<Box<[u64]>>,
}

impl Configs {
    /// `client` asks for the HTTPS record of `name` at `time` (µs).
    pub fn asked(&mut self, client: IpAddr, name: &str, time: i64) {
        if self.get(client, name, time).is_none() {
            self.insert(client, name, Config { expires: time.saturating_add(GRACE), public: None });
        }
    }

    /// `client` was told for `ttl` seconds which names hellos to `name` show outside; none when they are not encrypted.
    pub fn told<'a>(
        &mut self,
        client: IpAddr,
        name: &str,
        public: impl Iterator<Item = &'a str>,
        ttl: u32,
        time: i64,
    ) {
        let public = public.take(MAX_PUBLIC).map(|public| self.hasher.hash_one(public)).collect();
        let expires = time.saturating_add(i64::from(ttl) * 1_000_000).saturating_add(GRACE);
        self.insert(client, name, Config { expires, public: Some(public) });
    }

    /// Of the names that `client` knows for an address, those that a hello which shows `outer` may be for. Names whose
    /// configuration has it are preferred to those that the client never asked for one.
    pub fn possible<'a>(&self, client: IpAddr, names: Vec<&'a str>, outer: &str, time: i64) -> Vec<&'a str> {
        let outer = self.hasher.hash_one(outer);
        let fits = |name: &str| match self.get(client, name, time) {
            None => Fit::Unknown,
            Some(Config { public: None, .. }) => Fit::Unanswered,
            Some(Config { public: Some(public), .. }) if public.contains(&outer) => Fit::Sure,
            Some(_) => Fit::Never,
        };
        let sure = names.iter().any(|name| fits(name) == Fit::Sure);
        names
            .into_iter()
            .filter(|name| match fits(name) {
                Fit::Sure | Fit::Unanswered => true,
                Fit::Unknown => !sure,
                Fit::Never => false,
            })
            .collect()
    }

    /// True when the client was told that hellos to `name` show `outer`.
    pub fn has(&self, client: IpAddr, name: &str, outer: &str, time: i64) -> bool {
        let outer = self.hasher.hash_one(outer);
        let public = self.get(client, name, time).and_then(|config| config.public.as_ref());
        public.is_some_and(|public| public.contains(&outer))
    }

    fn get(&self, client: IpAddr, name: &str, time: i64) -> Option<&Config> {
        let key = self.hasher.hash_one((client, name));
        self.young.get(&key).or_else(|| self.old.get(&key)).filter(|config| config.expires >= time)
    }

    fn insert(&mut self, client: IpAddr, name: &str, config: Config) {
        if self.young.len() >= MAX_CONFIGS / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(self.hasher.hash_one((client, name)), config);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    /// Its configuration has the public name.
    Sure,
    /// The client asked for its configuration, and the answer was not seen.
    Unanswered,
    /// The client was not seen asking for it.
    Unknown,
    /// It has none, or another public name.
    Never,
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANNA: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const BEN: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));
    const COVER: &str = "cloudflare-ech.com";

    fn possible(configs: &Configs, names: &[&'static str]) -> Vec<&'static str> {
        configs.possible(ANNA, names.to_vec(), COVER, 1)
    }

    #[test]
    fn a_hidden_name_is_one_whose_configuration_has_the_outer_name() {
        let mut configs = Configs::default();
        configs.told(ANNA, "poe.com", [COVER].into_iter(), 60, 0);
        configs.told(ANNA, "news.example", [].into_iter(), 60, 0);
        configs.told(ANNA, "other.example", ["cover.example"].into_iter(), 60, 0);
        assert_eq!(possible(&configs, &["poe.com", "news.example", "other.example"]), ["poe.com"]);
        assert!(possible(&configs, &["news.example", "other.example"]).is_empty(), "they cannot be hidden by it");
    }

    #[test]
    fn a_name_that_was_never_asked_for_stands_behind() {
        let mut configs = Configs::default();
        configs.told(BEN, "poe.com", [COVER].into_iter(), 60, 0);
        assert_eq!(
            possible(&configs, &["poe.com", "plain.example"]),
            ["poe.com", "plain.example"],
            "another client's"
        );
        configs.told(ANNA, "poe.com", [COVER].into_iter(), 60, 0);
        assert_eq!(possible(&configs, &["poe.com", "plain.example"]), ["poe.com"]);
        configs.asked(ANNA, "plain.example", 0);
        assert_eq!(
            possible(&configs, &["poe.com", "plain.example"]),
            ["poe.com", "plain.example"],
            "its answer is lost"
        );
    }

    #[test]
    fn a_question_takes_nothing_back() {
        let mut configs = Configs::default();
        configs.told(ANNA, "poe.com", [COVER].into_iter(), 60, 0);
        configs.asked(ANNA, "poe.com", 1);
        assert!(configs.has(ANNA, "poe.com", COVER, 1));
        assert!(!configs.has(ANNA, "poe.com", COVER, GRACE + 60_000_001));
    }

    #[test]
    fn the_table_is_bounded() {
        let mut configs = Configs::default();
        for n in 0..MAX_CONFIGS * 2 {
            configs.asked(ANNA, &format!("{n}.example"), 0);
        }
        assert!(configs.young.len() + configs.old.len() <= MAX_CONFIGS);
    }
}
