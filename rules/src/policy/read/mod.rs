//! The file format of a policy. `docs/policy.md` explains every key.

mod approval;
mod findings;
mod group;
mod route;
mod rule;

use super::{Group, Policy, Step};
use crate::{
    catalogue::Catalogue,
    fault::Fault,
    file::{Block, Word},
};

/// More groups than an organisation has departments; group numbers are small on purpose.
const MAX_GROUPS: usize = 4096;

pub(super) fn policy(text: &str, file: &str, catalogue: &Catalogue) -> Result<Policy, Fault> {
    let mut root = Block::read(file, text)?;
    let mut policy = Policy { name: file.to_owned(), file: file.to_owned(), ..Policy::empty() };
    if let Some(block) = root.block("policy")? {
        head(&mut policy, block)?;
    }
    if let Some(block) = root.block("groups")? {
        let at = block.at.clone();
        for (id, block) in block.rest()? {
            policy.groups.push(group::read(id, block, catalogue)?);
        }
        if policy.groups.len() > MAX_GROUPS {
            return Err(at.fault(format!("more than {MAX_GROUPS} groups: merge some")));
        }
    }
    for block in root.blocks("rule")? {
        policy.rules.push(rule::read(file, block, &policy.groups, catalogue)?);
    }
    policy.approvals = approval::read_all(file, &mut root, &policy.groups, catalogue)?;
    if let Some(block) = root.block("deadlines")? {
        policy.deadlines = route::deadlines(block)?;
    }
    if let Some(block) = root.block("routes")? {
        policy.routes = route::routes(block)?;
    }
    policy.quiet = root.block("quiet_hours")?.map(route::quiet_hours).transpose()?;
    for block in root.blocks("suppression")? {
        policy.suppressions.push(route::suppression(block, &policy.groups, catalogue)?);
    }
    if let Some(block) = root.block("severity")? {
        policy.severities = findings::severities(block)?;
    }
    for block in root.blocks("limit")? {
        policy.limits.push(findings::limit(block, &policy.groups, catalogue)?);
    }
    if let Some(block) = root.block("budget")? {
        policy.budget = findings::budget(block)?;
    }
    if let Some(block) = root.block("models")? {
        policy.download_bytes = findings::models(block)?;
    }
    root.close()?;
    Ok(policy)
}

/// A file that holds `[[approval]]` and nothing else.
pub(super) fn approvals(
    text: &str,
    file: &str,
    groups: &[Group],
    catalogue: &Catalogue,
) -> Result<Vec<Step>, Fault> {
    let mut root = Block::read(file, text)?;
    let steps = approval::read_all(file, &mut root, groups, catalogue)?;
    root.close()?;
    Ok(steps)
}

fn head(policy: &mut Policy, mut block: Block<'_>) -> Result<(), Fault> {
    policy.head_line = block.at.line;
    if let Some(name) = block.word("name")? {
        policy.name = name.text;
    }
    policy.owner = block.word("owner")?.map(|word| word.text);
    policy.reviewed = block.date("reviewed")?;
    if let Some(word) = block.word("overlap")? {
        policy.nested = match word.text.as_str() {
            "refuse" => false,
            "longest" => true,
            other => return Err(word.at.fault(format!("unknown overlap {other:?}: use refuse, longest"))),
        };
    }
    policy.approvals_file = block.word("approvals")?.map(|word| word.text);
    block.close()
}

/// Reads each word of a list and refuses one that stands twice.
fn once<T: PartialEq>(words: Vec<Word>, read: impl Fn(&Word) -> Result<T, Fault>) -> Result<Vec<T>, Fault> {
    let mut list = Vec::new();
    for word in words {
        let item = read(&word)?;
        if list.contains(&item) {
            return Err(word.at.fault(format!("{:?} is named twice in this list: name it once", word.text)));
        }
        list.push(item);
    }
    Ok(list)
}

fn service(word: &Word, catalogue: &Catalogue) -> Result<String, Fault> {
    if catalogue.service(&word.text).is_some() {
        return Ok(word.text.clone());
    }
    let ids = catalogue.services().iter().map(|service| service.id.as_str());
    let mend = match nearest(&word.text, ids) {
        Some(id) => format!("did you mean {id:?}?"),
        None => "`shadowtap catalog list` prints the ids".to_owned(),
    };
    Err(word.at.fault(format!("the catalogue has no service {:?}: {mend}", word.text)))
}

fn group_id(word: &Word, groups: &[Group]) -> Result<String, Fault> {
    if groups.iter().any(|group| group.id == word.text) {
        return Ok(word.text.clone());
    }
    let ids: Vec<&str> = groups.iter().map(|group| group.id.as_str()).collect();
    let mend = if ids.is_empty() {
        format!("declare it as [groups.{}]", word.text)
    } else {
        format!("use {}", ids.join(", "))
    };
    Err(word.at.fault(format!("unknown group {:?}: {mend}", word.text)))
}

/// The id that shares the longest beginning with a word, when that is long enough to be more than chance.
fn nearest<'a>(word: &str, ids: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let shared = |id: &str| id.bytes().zip(word.bytes()).take_while(|(a, b)| a == b).count();
    ids.map(|id| (shared(id), id))
        .filter(|(len, _)| *len >= 3)
        .max_by_key(|(len, id)| (*len, usize::MAX - id.len()))
        .map(|(_, id)| id)
}

/// True or false; absent: false.
fn flag(block: &mut Block<'_>, key: &'static str) -> Result<bool, Fault> {
    Ok(choice(block, key)?.unwrap_or(false))
}

/// True or false, which may be absent.
fn choice(block: &mut Block<'_>, key: &'static str) -> Result<Option<bool>, Fault> {
    let read = |word: Word| match word.text.as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        other => Err(word.at.fault(format!("{other:?} is neither true nor false: write one of the two"))),
    };
    block.bare_word(key)?.map(read).transpose()
}
