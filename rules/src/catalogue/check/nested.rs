//! Lines of one vendor below a suffix of another: mostly a slip, while a product below its own vendor's
//! domain is meant. A `note` on the inner line says that the loan of the name is known.

use std::collections::HashMap;

use super::{at_line, parents, patterns};
use crate::{
    catalogue::service::{Kind, Pattern, Service},
    fault::Fault,
};

pub(super) fn notes(services: &[Service]) -> Vec<Fault> {
    let suffixes: HashMap<&str, (&Service, &Pattern)> = patterns(services)
        .filter(|(_, pattern)| pattern.kind == Kind::Suffix)
        .map(|(service, pattern)| (pattern.text.as_str(), (service, pattern)))
        .collect();
    let mut found = Vec::new();
    for (service, pattern) in patterns(services).filter(|(_, pattern)| pattern.note.is_none()) {
        let outer = parents(&pattern.text).find_map(|parent| suffixes.get(parent));
        if let Some((owner, outer)) = outer.filter(|(owner, _)| owner.vendor != service.vendor) {
            let text = format!(
                "{} lies below {} of {}, another vendor: is that meant?",
                pattern.text, outer.text, owner.id
            );
            found.push(at_line(pattern, text));
        }
    }
    found
}
