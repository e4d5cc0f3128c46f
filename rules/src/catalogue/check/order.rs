//! Services by id inside a file, hosts by role and then by name inside a service.

use std::collections::HashMap;

use super::{at_line, at_service};
use crate::{
    catalogue::service::{Role, Service},
    fault::Fault,
};

pub(super) fn notes(services: &[Service]) -> Vec<Fault> {
    let mut found = Vec::new();
    let mut last: HashMap<&str, usize> = HashMap::new();
    for service in services {
        let line = last.entry(&service.file).or_default();
        if service.line < *line {
            let text = format!("{} stands out of order: sort services by id", service.id);
            found.push(at_service(service, "id", text));
        }
        *line = service.line.max(*line);
        found.extend(hosts(service));
    }
    found
}

fn hosts(service: &Service) -> impl Iterator<Item = Fault> {
    service.patterns.iter().zip(service.patterns.iter().skip(1)).filter_map(|(a, b)| {
        let sorted = (a.role, &a.text) <= (b.role, &b.text);
        let text = || format!("{} stands out of order: sort hosts by role ({}), then by name", b.text, roles());
        (!sorted).then(|| at_line(b, text()))
    })
}

fn roles() -> String {
    let words: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
    words.join(", ")
}
