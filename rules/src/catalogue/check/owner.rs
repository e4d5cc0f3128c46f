//! Which file an owner's services stand in: two services or four hosts make a file of their own, the small
//! ones stand together in the file of their category.

use std::collections::{BTreeMap, BTreeSet};

use super::at_service;
use crate::{
    catalogue::service::{Category, Service},
    fault::Fault,
};

/// From here on an owner has a file of its own.
const OWN_SERVICES: usize = 2;
const OWN_HOSTS: usize = 4;

pub(super) fn notes(services: &[Service]) -> Vec<Fault> {
    let mut vendors: BTreeMap<&str, Vec<&Service>> = BTreeMap::new();
    for service in services {
        vendors.entry(&service.vendor).or_default().push(service);
    }
    let mut found: Vec<Fault> = vendors.values().filter_map(|owned| home(owned)).collect();
    found.extend(services.iter().filter_map(stray));
    found.extend(spellings(vendors.keys().copied()).into_iter().filter_map(|(one, other)| {
        let service = vendors.get(other)?.first()?;
        let text = format!("{other} is written {one} elsewhere: write one name for one owner");
        Some(at_service(service, "vendor", text))
    }));
    found
}

/// An owner that is too big for the file it stands in, or that stands in several.
fn home(owned: &[&Service]) -> Option<Fault> {
    let first = owned.first()?;
    let files: BTreeSet<&str> = owned.iter().map(|service| service.file.as_str()).collect();
    let hosts: usize = owned.iter().map(|service| service.patterns.len()).sum();
    let guest = owned.iter().find(|service| category_of(&service.file).is_some());
    let text = if files.len() > 1 {
        let files: Vec<&str> = files.into_iter().collect();
        format!("{} stands in {}: one file per owner", first.vendor, files.join(" and "))
    } else if guest.is_some() && (owned.len() >= OWN_SERVICES || hosts >= OWN_HOSTS) {
        format!("{} has {} services and {hosts} hosts: give it a file of its own", first.vendor, owned.len())
    } else {
        return None;
    };
    Some(at_service(guest.unwrap_or(first), "vendor", text))
}

/// A service in the file of another category.
fn stray(service: &Service) -> Option<Fault> {
    let category = category_of(&service.file).filter(|category| *category != service.category)?;
    let text = format!("{} is of category {}: it does not belong in {category}.toml", service.id, service.category);
    Some(at_service(service, "category", text))
}

fn category_of(file: &str) -> Option<Category> {
    file.strip_suffix(".toml")?.parse().ok()
}

/// Vendors whose names differ in case, spaces and signs alone.
fn spellings<'s>(vendors: impl Iterator<Item = &'s str>) -> Vec<(&'s str, &'s str)> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    let mut found = Vec::new();
    for vendor in vendors {
        let plain: String = vendor.chars().filter(|char| char.is_alphanumeric()).collect();
        if let Some(first) = seen.insert(plain.to_lowercase(), vendor) {
            found.push((first, vendor));
        }
    }
    found
}
