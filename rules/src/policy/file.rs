//! The file format of a policy. `docs/policy.md` explains every key.

use super::{Deadlines, Policy, duration, group, group::Group, rule::Rule};
use crate::{
    catalogue::{Catalogue, Category},
    fault::Fault,
    file::{Block, Word},
};

/// The most severe that an observation can be.
const MAX_SEVERITY: u8 = 10;

pub(super) fn read(text: &str, file: &str, catalogue: &Catalogue) -> Result<Policy, Fault> {
    let mut root = Block::read(file, text)?;
    let mut policy = Policy { name: file.to_owned(), file: file.to_owned(), ..Policy::empty() };
    if let Some(block) = root.block("policy")? {
        head(&mut policy, block)?;
    }
    if let Some(block) = root.block("groups")? {
        policy.groups =
            block.rest()?.into_iter().map(|(id, block)| read_group(id, block)).collect::<Result<_, _>>()?;
    }
    for block in root.blocks("rule")? {
        policy.rules.push(read_rule(file, block, &policy.groups, catalogue)?);
    }
    if let Some(block) = root.block("deadlines")? {
        policy.deadlines = deadlines(block)?;
    }
    root.close()?;
    Ok(policy)
}

fn head(policy: &mut Policy, mut block: Block<'_>) -> Result<(), Fault> {
    if let Some(name) = block.word("name")? {
        policy.name = name.text;
    }
    policy.owner = block.word("owner")?.map(|word| word.text);
    policy.reviewed = block.date("reviewed")?;
    block.close()
}

fn read_group(id: String, mut block: Block<'_>) -> Result<Group, Fault> {
    let name = block.word("name")?.map_or_else(|| id.clone(), |word| word.text);
    let line = block.at.line;
    let Some(words) = block.words("subnets")? else {
        return Err(block.at.below("subnets").fault("missing: a group without a subnet holds nobody"));
    };
    block.close()?;
    let subnets = words.iter().map(group::subnet).collect::<Result<_, _>>()?;
    Ok(Group { id, name, subnets, line })
}

fn read_rule(file: &str, mut block: Block<'_>, groups: &[Group], catalogue: &Catalogue) -> Result<Rule, Fault> {
    let services = block.words("services")?.unwrap_or_default();
    let categories = block.words("categories")?.unwrap_or_default();
    if services.is_empty() == categories.is_empty() {
        return Err(block.at.fault("a rule names either services or categories: write one of the two lists"));
    }
    let rule = Rule {
        file: file.to_owned(),
        line: block.at.line,
        services: once(services, |word| service(word, catalogue))?,
        categories: once(categories, Word::parse::<Category>)?,
        groups: once(block.words("groups")?.unwrap_or_default(), |word| group_id(word, groups))?,
        status: block.need("status")?.parse()?,
        owner: block.word("owner")?.map(|word| word.text),
        reason: block.word("reason")?.map(|word| word.text),
        review_by: block.date("review_by")?,
        expires: block.date("expires")?,
        severity: block.number("severity", MAX_SEVERITY)?,
    };
    block.close()?;
    Ok(rule)
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

fn deadlines(mut block: Block<'_>) -> Result<Deadlines, Fault> {
    let mut deadlines = Deadlines::default();
    for (key, time) in [
        ("unapproved_tool", &mut deadlines.unapproved_tool),
        ("prohibited_tool", &mut deadlines.prohibited_tool),
        ("suspected_data_upload", &mut deadlines.suspected_data_upload),
    ] {
        if let Some(word) = block.word(key)? {
            *time = duration::parse(&word)?;
        }
    }
    block.close()?;
    Ok(deadlines)
}
