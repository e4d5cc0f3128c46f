//! What stands twice, and hosts with two owners.

use std::collections::HashMap;

use super::{at_line, at_service, patterns};
use crate::{
    catalogue::service::{Kind, Pattern, Service},
    fault::Fault,
};

/// Ids or patterns that stand twice. The answer to a host would depend on the order of files, so the
/// parser refuses them as well.
pub(in crate::catalogue) fn clashes(services: &[Service]) -> Vec<Fault> {
    let mut found = Vec::new();
    let mut ids: HashMap<&str, &Service> = HashMap::new();
    let mut texts: HashMap<(&str, Kind), &Pattern> = HashMap::new();
    for service in services {
        if let Some(first) = ids.insert(&service.id, service) {
            let text = format!(
                "{} is declared at {}:{} already: merge the two blocks",
                service.id, first.file, first.line
            );
            found.push(at_service(service, "id", text));
        }
        for pattern in &service.patterns {
            if let Some(first) = texts.insert((&pattern.text, pattern.kind), pattern) {
                let text = format!(
                    "{} stands at {}:{} already: keep one of the two",
                    pattern.text, first.file, first.line
                );
                found.push(at_line(pattern, text));
            }
        }
    }
    found
}

/// One name given to two vendors, once as itself and once with all below it: a name has one owner.
pub(super) fn owners(services: &[Service]) -> Vec<Fault> {
    let suffixes: HashMap<&str, (&Service, &Pattern)> = patterns(services)
        .filter(|(_, pattern)| pattern.kind == Kind::Suffix)
        .map(|(service, pattern)| (pattern.text.as_str(), (service, pattern)))
        .collect();
    let mut found = Vec::new();
    for (service, pattern) in patterns(services).filter(|(_, pattern)| pattern.kind == Kind::Exact) {
        let Some((other, outer)) = suffixes.get(pattern.text.as_str()) else { continue };
        if other.vendor != service.vendor {
            let text = format!(
                "{} belongs to {} here and to {} at {}:{}: a name has one owner",
                pattern.text, service.vendor, other.vendor, outer.file, outer.line
            );
            found.push(at_line(pattern, text));
        }
    }
    found
}
