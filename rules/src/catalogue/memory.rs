//! How much memory a catalogue takes: an estimate of the heap, for the record of what a sensor needs.

use std::mem::size_of;

use super::{Pattern, Service, Vetting, matcher::Matcher};

/// Bytes on the heap, without what the allocator adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// All of it.
    pub total: usize,
    /// The part that a look-up walks through.
    pub matcher: usize,
}

impl Memory {
    pub(super) fn of(services: &[Service], matcher: &Matcher) -> Memory {
        let matcher = matcher.bytes();
        Memory { total: matcher + size_of_val(services) + services.iter().map(service).sum::<usize>(), matcher }
    }
}

fn service(service: &Service) -> usize {
    let texts = [&service.id, &service.name, &service.vendor, &service.file];
    let options = [&service.country, &service.homepage, &service.note];
    texts.into_iter().map(String::capacity).sum::<usize>()
        + options.into_iter().map(option).sum::<usize>()
        + service.vetting.as_ref().map_or(0, vetting)
        + size_of_val(service.access.as_slice())
        + size_of_val(service.modality.as_slice())
        + service.patterns.capacity() * size_of::<Pattern>()
        + service.patterns.iter().map(pattern).sum::<usize>()
}

fn pattern(pattern: &Pattern) -> usize {
    pattern.text.capacity() + pattern.source.capacity() + pattern.file.capacity() + option(&pattern.note)
}

fn vetting(vetting: &Vetting) -> usize {
    let list = vetting.certifications.iter().map(|text| text.capacity() + size_of::<String>());
    option(&vetting.retention) + option(&vetting.training) + vetting.source.capacity() + list.sum::<usize>()
}

fn option(text: &Option<String>) -> usize {
    text.as_ref().map_or(0, String::capacity)
}
