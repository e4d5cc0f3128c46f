//! The label trie against a matcher that is too simple to be wrong.

use std::cmp::Reverse;

use rules::catalogue::{Catalogue, Kind, Pattern};

/// A small generator (SplitMix64), so that a failing case comes back the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % sides as u64) as usize
    }
}

/// Every pattern against the host, then the most specific: exact, glob, longer suffix.
fn naive<'a>(catalogue: &'a Catalogue, host: &str) -> Option<&'a Pattern> {
    let patterns = catalogue.services().iter().flat_map(|service| &service.patterns);
    patterns.filter(|pattern| matches(pattern, host)).max_by_key(|pattern| {
        let literal = pattern.text.replace('*', "").len();
        match pattern.kind {
            Kind::Exact => (2, 0, Reverse("")),
            Kind::Glob => (1, literal, Reverse(pattern.text.as_str())),
            Kind::Suffix => (0, pattern.text.len(), Reverse("")),
        }
    })
}

fn matches(pattern: &Pattern, host: &str) -> bool {
    match pattern.kind {
        Kind::Exact => host == pattern.text,
        Kind::Suffix => host == pattern.text || host.ends_with(&format!(".{}", pattern.text)),
        Kind::Glob => glob(pattern.text.as_bytes(), host.as_bytes()),
    }
}

fn glob(pattern: &[u8], host: &[u8]) -> bool {
    match (pattern, host) {
        ([], []) => true,
        ([b'*', ..], [b'.', ..]) => false,
        ([b'*', after @ ..], [_, rest @ ..]) => glob(pattern, rest) || glob(after, rest),
        ([a, after @ ..], [b, rest @ ..]) => a == b && glob(after, rest),
        _ => false,
    }
}

fn word(dice: &mut Dice) -> &'static str {
    const WORDS: &[&str] =
        &["a", "www", "api", "-", "x_y", "us-east-1", "evil", "com", "chat", "0", "openai", "runtime"];
    WORDS[dice.roll(WORDS.len())]
}

/// A host near a pattern: its stars filled, then labels added, cut, doubled or changed.
fn mutate(text: &str, dice: &mut Dice) -> String {
    let mut host = String::new();
    for part in text.split_inclusive('*') {
        host += part.trim_end_matches('*');
        if part.ends_with('*') {
            host += [word(dice), "", "a.b"][[0, 0, 0, 1, 2][dice.roll(5)]];
        }
    }
    for _ in 0..dice.roll(3) {
        host = match dice.roll(7) {
            0 => format!("{}.{host}", word(dice)),
            1 => format!("{host}.{}", word(dice)),
            2 => format!("{}{host}", word(dice)),
            3 => host.split_once('.').map_or(String::new(), |(_, rest)| rest.to_owned()),
            4 => host.rsplit_once('.').map_or(String::new(), |(rest, _)| rest.to_owned()),
            5 => host.replacen('.', &format!(".{}.", word(dice)), 1),
            _ => host.replacen(['a', 'i', '-'], "", 1),
        };
    }
    // A final dot is no mutation: every spelling of the root is the same name.
    host.trim_end_matches('.').to_owned()
}

fn is_host(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    !host.split('.').any(str::is_empty) && !last.bytes().all(|byte| byte.is_ascii_digit())
}

fn agree(catalogue: &Catalogue, rounds: usize, seed: u64) {
    let patterns: Vec<&Pattern> = catalogue.services().iter().flat_map(|service| &service.patterns).collect();
    let mut dice = Dice(seed);
    let mut found = 0;
    for pattern in &patterns {
        for _ in 0..rounds {
            let host = mutate(&pattern.text, &mut dice);
            if !is_host(&host) {
                assert!(catalogue.find(&host).is_none(), "{host}");
                continue;
            }
            let simple = naive(catalogue, &host).map(|pattern| (&pattern.text, pattern.kind));
            let fast = catalogue.find(&host).map(|hit| (&hit.pattern.text, hit.pattern.kind));
            assert_eq!(fast, simple, "{host}");
            found += usize::from(fast.is_some());
        }
    }
    let tried = patterns.len() * rounds;
    assert!(found > tried / 4 && found < tried, "{found} of {tried} hosts matched: the mutations test nothing");
}

#[test]
fn the_trie_agrees_on_the_built_in_catalogue() {
    agree(&Catalogue::builtin(), 60, 1);
}

/// Few words in many patterns, so that exact, glob and suffix lines meet at the same nodes all the time.
#[test]
fn the_trie_agrees_on_crowded_catalogues() {
    for seed in 0..40 {
        let mut dice = Dice(seed);
        let mut hosts = std::collections::BTreeSet::new();
        for _ in 0..40 {
            let labels: Vec<&str> =
                (0..2 + dice.roll(3)).map(|_| ["a", "b", "ab", "a*", "*b", "*", "a*b"][dice.roll(7)]).collect();
            let text = labels.join(".");
            let kind = if text.contains('*') { "glob" } else { ["suffix", "exact"][dice.roll(2)] };
            hosts.insert(format!(
                "{{ {kind} = \"{text}\", role = \"app\", strength = \"likely\", source = \"t\", date = 2026-11-20 }},\n"
            ));
        }
        let hosts: String = hosts.into_iter().collect();
        let text = format!(
            "[[service]]\nid = \"a\"\nname = \"A\"\nvendor = \"V\"\ncategory = \"chat\"\naccess = [\"web\"]\nmodality = [\"text\"]\nhosts = [\n{hosts}]\n"
        );
        agree(&Catalogue::parse([("a.toml", text.as_str())]).unwrap(), 50, seed);
    }
}
