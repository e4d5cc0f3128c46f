//! `[[rule]]`.

use super::{flag, group_id, once, service};
use crate::{
    catalogue::{Catalogue, Category},
    fault::Fault,
    file::{Block, Place, Word},
    policy::{Group, Hours, Rule, deadline},
};

/// The most severe that an observation can be.
pub(super) const MAX_SEVERITY: u8 = 10;

pub(super) fn read(
    file: &str,
    mut block: Block<'_>,
    groups: &[Group],
    catalogue: &Catalogue,
) -> Result<Rule, Fault> {
    let at = block.at.clone();
    let services = block.words("services")?.unwrap_or_default();
    let categories = block.words("categories")?.unwrap_or_default();
    if services.is_empty() == categories.is_empty() {
        return Err(at.fault("a rule names either services or categories: write one of the two lists"));
    }
    let rule = Rule {
        file: file.to_owned(),
        line: at.line,
        services: once(services, |word| service(word, catalogue))?,
        categories: once(categories, Word::parse::<Category>)?,
        plans: once(block.words("plans")?.unwrap_or_default(), Word::parse)?,
        groups: once(block.words("groups")?.unwrap_or_default(), |word| group_id(word, groups))?,
        data_tiers: once(block.words("data_tiers")?.unwrap_or_default(), Word::parse)?,
        hours: block.word("hours")?.as_ref().map(Hours::read).transpose()?,
        status: block.need("status")?.parse()?,
        exception: flag(&mut block, "exception")?,
        owner: block.word("owner")?.map(|word| word.text),
        reason: block.word("reason")?.map(|word| word.text),
        review_by: block.date("review_by")?,
        expires: block.date("expires")?,
        severity: block.number("severity", MAX_SEVERITY)?,
        report_within: block.word("report_within")?.as_ref().map(deadline::parse).transpose()?,
    };
    block.close()?;
    whole(&rule, &at)?;
    Ok(rule)
}

/// Refuses keys that do not go together.
fn whole(rule: &Rule, at: &Place) -> Result<(), Fault> {
    if !rule.groups.is_empty() && !rule.data_tiers.is_empty() {
        return Err(at
            .below("data_tiers")
            .fault("a rule is for groups or for the data tiers of groups: write one of the two lists"));
    }
    let needs =
        [("owner", rule.owner.is_none()), ("reason", rule.reason.is_none()), ("expires", rule.expires.is_none())];
    match needs.iter().find(|(_, missing)| rule.exception && *missing) {
        Some((key, _)) => Err(at.below(key).fault("missing: an exception has an owner, a reason and a last day")),
        None => Ok(()),
    }
}
