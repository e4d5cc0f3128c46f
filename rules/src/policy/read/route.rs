//! `[deadlines]`, `[routes]`, `[quiet_hours]` and `[[suppression]]`.

use super::{group_id, once, rule::MAX_SEVERITY, service};
use crate::{
    catalogue::Catalogue,
    fault::Fault,
    file::Block,
    policy::{
        Group, Hours, Suppression,
        deadline::{self, Deadlines},
        route::{QuietHours, Recipients, Routes},
    },
};

/// Prohibited tools and uploads do not wait for the morning.
const URGENT_FROM: u8 = 8;

pub(super) fn deadlines(mut block: Block<'_>) -> Result<Deadlines, Fault> {
    let mut deadlines = Deadlines::default();
    for (key, time) in [
        ("unapproved_tool", &mut deadlines.unapproved_tool),
        ("prohibited_tool", &mut deadlines.prohibited_tool),
        ("suspected_data_upload", &mut deadlines.suspected_data_upload),
        ("sensor_health", &mut deadlines.sensor_health),
    ] {
        if let Some(word) = block.word(key)? {
            *time = deadline::parse(&word)?;
        }
    }
    deadlines.visibility_lost = block.word("visibility_lost")?.as_ref().map(deadline::parse).transpose()?;
    block.close()?;
    Ok(deadlines)
}

pub(super) fn routes(mut block: Block<'_>) -> Result<Routes, Fault> {
    let mut routes = Routes { everywhere: recipients(&mut block)?, sites: Vec::new() };
    if let Some(sites) = block.block("sites")? {
        for (site, mut block) in sites.rest()? {
            let mut own = recipients(&mut block)?;
            own.client = block.word("client")?.map(|word| word.text);
            block.close()?;
            routes.sites.push((site, own));
        }
    }
    if let Some(word) = block.word("client")? {
        return Err(word.at.fault(
            "a client hears of its own site alone: write `client` under [routes.sites.SITE], or remove it",
        ));
    }
    block.close()?;
    Ok(routes)
}

fn recipients(block: &mut Block<'_>) -> Result<Recipients, Fault> {
    Ok(Recipients {
        line: block.at.line,
        security: block.word("security")?.map(|word| word.text),
        risk_owner: block.word("risk_owner")?.map(|word| word.text),
        client: None,
    })
}

pub(super) fn quiet_hours(mut block: Block<'_>) -> Result<QuietHours, Fault> {
    let hours = Hours::read(&block.need("hours")?)?;
    let urgent_from = block.number("urgent_from", MAX_SEVERITY)?.unwrap_or(URGENT_FROM);
    block.close()?;
    Ok(QuietHours { hours, urgent_from })
}

pub(super) fn suppression(
    mut block: Block<'_>,
    groups: &[Group],
    catalogue: &Catalogue,
) -> Result<Suppression, Fault> {
    let at = block.at.clone();
    let one = Suppression {
        line: at.line,
        services: once(block.words("services")?.unwrap_or_default(), |word| service(word, catalogue))?,
        groups: once(block.words("groups")?.unwrap_or_default(), |word| group_id(word, groups))?,
        devices: once(block.words("devices")?.unwrap_or_default(), |word| Ok(word.text.clone()))?,
        owner: block.need("owner")?.text,
        reason: block.need("reason")?.text,
        expires: block
            .date("expires")?
            .ok_or_else(|| at.below("expires").fault("missing: a suppression has a last day"))?,
    };
    block.close()?;
    if one.services.is_empty() && one.groups.is_empty() && one.devices.is_empty() {
        return Err(at.fault("would hold back everything: name services, groups or devices"));
    }
    Ok(one)
}
