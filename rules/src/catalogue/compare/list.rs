//! Public lists in the forms that they are published in.
//!
//! | form | read as |
//! |---|---|
//! | v2fly `domain:name`, bare `name`, `.name`, `*.name`, `+.name` | the name and all below it |
//! | v2fly `full:name`, hosts file `0.0.0.0 name` | the name alone |
//! | Surge and Clash `DOMAIN-SUFFIX,name`, `DOMAIN,name` | the same two |
//! | `keyword:`, `regexp:`, `include:`, `DOMAIN-KEYWORD,` and the like | counted, not compared |
//!
//! `@attributes` are kept, `#` begins a comment, and what is none of these is counted as unreadable.

use std::collections::HashSet;

use crate::{catalogue::host, words::words};

/// A public list that has been read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublicList {
    /// What can be compared, in the order of the list, each name once per reach.
    pub entries: Vec<Entry>,
    /// Lines that cannot: their number (from 1) and why.
    pub skipped: Vec<(usize, Form)>,
}

/// One name of a public list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name, normalised.
    pub name: String,
    /// Whether names below it belong to the entry.
    pub reach: Reach,
    /// Attributes such as `ads` or `!cn`.
    pub attributes: Vec<String>,
    /// Line in the list, counted from 1.
    pub line: usize,
}

words! {
    /// What an entry of a public list stands for.
    pub enum Reach, "reach" {
        /// The name alone.
        Name = "name",
        /// The name and all below it.
        Below = "below",
    }
}

words! {
    /// Why a line cannot be compared.
    pub enum Form, "form" {
        /// A word anywhere in the name.
        Keyword = "keyword",
        /// A regular expression.
        Regexp = "regexp",
        /// Another list.
        Include = "include",
        /// An address, a port, a process or something else that is no host name.
        Unreadable = "unreadable",
    }
}

impl PublicList {
    /// Reads a list. Nothing in it can fail: what is not understood is counted.
    pub fn parse(text: &str) -> PublicList {
        let mut list = PublicList::default();
        let mut seen = HashSet::new();
        for (index, line) in text.lines().enumerate() {
            let bare = line.split('#').next().unwrap_or_default().trim();
            if bare.is_empty() || bare.starts_with('!') {
                continue;
            }
            match rules_of(bare) {
                Err(form) => list.skipped.push((index + 1, form)),
                Ok((names, reach)) => {
                    let attributes: Vec<String> = attributes(bare);
                    for name in names.into_iter().filter(|name| seen.insert((name.clone(), reach))) {
                        list.entries.push(Entry { name, reach, attributes: attributes.clone(), line: index + 1 });
                    }
                }
            }
        }
        list
    }

    /// How many lines were skipped for this reason.
    pub fn skipped_as(&self, form: Form) -> usize {
        self.skipped.iter().filter(|(_, why)| *why == form).count()
    }
}

fn attributes(line: &str) -> Vec<String> {
    line.split_whitespace().filter_map(|word| word.strip_prefix('@')).map(str::to_owned).collect()
}

/// The names of one line without its comment.
fn rules_of(line: &str) -> Result<(Vec<String>, Reach), Form> {
    let mut words = line.split_whitespace().filter(|word| !word.starts_with(['@', '&']));
    let first = words.next().ok_or(Form::Unreadable)?;
    if first.parse::<std::net::IpAddr>().is_ok() {
        let names: Vec<String> = words.filter_map(name).collect();
        return if names.is_empty() { Err(Form::Unreadable) } else { Ok((names, Reach::Name)) };
    }
    let (reach, text) = rule(first)?;
    let text = text.trim_start_matches("*.").trim_start_matches("+.").trim_start_matches('.');
    name(text).map(|name| (vec![name], reach)).ok_or(Form::Unreadable)
}

/// `kind:text` of v2fly, `KIND,text[,policy]` of Surge and Clash, or a bare name.
fn rule(word: &str) -> Result<(Reach, &str), Form> {
    if let Some((kind, rest)) = word.split_once(',') {
        let text = rest.split(',').next().unwrap_or_default();
        return match kind.to_ascii_uppercase().as_str() {
            "DOMAIN-SUFFIX" => Ok((Reach::Below, text)),
            "DOMAIN" => Ok((Reach::Name, text)),
            "DOMAIN-KEYWORD" | "DOMAIN-WILDCARD" => Err(Form::Keyword),
            "DOMAIN-REGEX" | "URL-REGEX" => Err(Form::Regexp),
            "RULE-SET" | "DOMAIN-SET" | "GEOSITE" => Err(Form::Include),
            _ => Err(Form::Unreadable),
        };
    }
    match word.split_once(':') {
        None => Ok((Reach::Below, word)),
        Some(("domain", text)) => Ok((Reach::Below, text)),
        Some(("full", text)) => Ok((Reach::Name, text)),
        Some(("keyword", _)) => Err(Form::Keyword),
        Some(("regexp", _)) => Err(Form::Regexp),
        Some(("include", _)) => Err(Form::Include),
        Some(_) => Err(Form::Unreadable),
    }
}

/// A name with at least two labels: `localhost` and its like are furniture of hosts files.
fn name(text: &str) -> Option<String> {
    host::normalise(text).filter(|name| name.contains('.')).map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(text: &str) -> Vec<(String, Reach)> {
        PublicList::parse(text).entries.into_iter().map(|entry| (entry.name, entry.reach)).collect()
    }

    #[test]
    fn v2fly_lines() {
        let text = "# OpenAI\ninclude:anthropic\ndomain:OpenAI.com\nfull:cdn.example.com @ads @!cn # why\n\n\
                    chatgpt.com &ai\nkeyword:openai\nregexp:^chatgpt-async-.+\\.example$\nbad..name\n";
        let list = PublicList::parse(text);
        let names: Vec<_> =
            list.entries.iter().map(|entry| (entry.name.as_str(), entry.reach, entry.line)).collect();
        let expect = [
            ("openai.com", Reach::Below, 3),
            ("cdn.example.com", Reach::Name, 4),
            ("chatgpt.com", Reach::Below, 6),
        ];
        assert_eq!(names, expect);
        assert_eq!(list.entries[1].attributes, ["ads", "!cn"]);
        assert_eq!(
            list.skipped,
            [(2, Form::Include), (7, Form::Keyword), (8, Form::Regexp), (9, Form::Unreadable)]
        );
        assert_eq!(list.skipped_as(Form::Keyword), 1);
    }

    #[test]
    fn hosts_lines() {
        let text = "127.0.0.1 localhost\n0.0.0.0 a.example.com b.example.com # two\n::1 ip6-localhost\n0.0.0.0 a.example.com\n";
        let expect = ["a.example.com", "b.example.com"].map(|name| (name.to_owned(), Reach::Name));
        assert_eq!(entries(text), expect);
        assert_eq!(PublicList::parse(text).skipped_as(Form::Unreadable), 2);
    }

    #[test]
    fn surge_and_wildcard_lines() {
        let text = "DOMAIN-SUFFIX,openai.com,AI\nDOMAIN,x.example.com\nIP-CIDR,1.2.3.0/24\nDOMAIN-KEYWORD,gpt\n*.a.com\n.b.com\n+.c.com\n";
        let expect = [
            ("openai.com", Reach::Below),
            ("x.example.com", Reach::Name),
            ("a.com", Reach::Below),
            ("b.com", Reach::Below),
            ("c.com", Reach::Below),
        ];
        assert_eq!(entries(text), expect.map(|(name, reach)| (name.to_owned(), reach)));
    }
}
