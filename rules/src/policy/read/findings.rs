//! `[severity]`, `[[limit]]`, `[budget]` and `[models]`.

use super::{choice, group_id, once, rule::MAX_SEVERITY, service};
use crate::{
    catalogue::{Catalogue, Category},
    fault::Fault,
    file::{Block, Word},
    policy::{
        Budget, FindingRule, Group, Limit, deadline,
        limit::{self, DOWNLOAD_BYTES},
    },
};

pub(super) fn severities(mut block: Block<'_>) -> Result<Vec<(FindingRule, u8)>, Fault> {
    let mut list = Vec::new();
    for &rule in FindingRule::ALL {
        if let Some(severity) = block.number(rule.as_str(), MAX_SEVERITY)? {
            list.push((rule, severity));
        }
    }
    block.close()?;
    Ok(list)
}

pub(super) fn limit(mut block: Block<'_>, groups: &[Group], catalogue: &Catalogue) -> Result<Limit, Fault> {
    let at = block.at.clone();
    let one = Limit {
        line: at.line,
        services: once(block.words("services")?.unwrap_or_default(), |word| service(word, catalogue))?,
        categories: once(block.words("categories")?.unwrap_or_default(), Word::parse::<Category>)?,
        groups: once(block.words("groups")?.unwrap_or_default(), |word| group_id(word, groups))?,
        bytes: limit::bytes(&block.need("bytes")?)?,
        per: block.need("per")?.parse()?,
        owner: block.need("owner")?.text,
        reason: block.need("reason")?.text,
        severity: block.number("severity", MAX_SEVERITY)?,
        report_within: block.word("report_within")?.as_ref().map(deadline::parse).transpose()?,
    };
    block.close()?;
    if !one.services.is_empty() && !one.categories.is_empty() {
        return Err(at
            .below("categories")
            .fault("a limit names services or categories: write one of the two lists, or neither for all"));
    }
    Ok(one)
}

pub(super) fn budget(mut block: Block<'_>) -> Result<Budget, Fault> {
    let mut budget = Budget::default();
    if let Some(flag) = choice(&mut block, "first_per_site")? {
        budget.first_per_site = flag;
    }
    for (key, cap) in [
        ("per_device_per_day", &mut budget.per_device_per_day),
        ("per_rule_per_hour", &mut budget.per_rule_per_hour),
    ] {
        if let Some(number) = block.number(key, u8::MAX)? {
            *cap = number.into();
        }
    }
    if let Some(word) = block.word("update_after")? {
        budget.update_after = deadline::parse(&word)?;
    }
    if let Some(number) = block.number("never_hold_from", MAX_SEVERITY)? {
        budget.never_hold_from = number;
    }
    block.close()?;
    Ok(budget)
}

/// How much of a model registry makes a download.
pub(super) fn models(mut block: Block<'_>) -> Result<u64, Fault> {
    let bytes = block.word("download_bytes")?.as_ref().map(limit::bytes).transpose()?;
    block.close()?;
    Ok(bytes.unwrap_or(DOWNLOAD_BYTES))
}
