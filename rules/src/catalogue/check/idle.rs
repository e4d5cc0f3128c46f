//! Lines that change no answer: without them the next line says the same of every host that they match.
//!
//! A line can never be hidden wholly: an exact line is the last word on its host, a suffix reaches names
//! deeper than any glob, and of two globs the wider one has fewer literal characters and yields. So a line
//! either decides, or says again what a wider line of its service says.

use std::collections::HashMap;

use super::{at_line, parents, patterns};
use crate::{
    catalogue::{
        matcher::{label_matches, literals},
        service::{Kind, Pattern, Service},
    },
    fault::Fault,
};

pub(super) fn notes(services: &[Service]) -> Vec<Fault> {
    let lines = Lines::over(services);
    let mut found = Vec::new();
    for (service, pattern) in patterns(services) {
        let Some((owner, wider)) = lines.next_after(pattern) else { continue };
        if owner.id == service.id && says_no_more(pattern, wider) {
            let text = format!("{} says no more than {} at line {}: drop it", pattern.text, wider.text, wider.line);
            found.push(at_line(pattern, text));
        }
    }
    found
}

fn says_no_more(inner: &Pattern, outer: &Pattern) -> bool {
    let say = |line: &Pattern| (line.role, line.strength, line.plan, line.tenant);
    say(inner) == say(outer) && inner.note.is_none()
}

type Line<'s> = (&'s Service, &'s Pattern);

/// The lines that can be wider than another.
struct Lines<'s> {
    suffixes: HashMap<&'s str, Line<'s>>,
    globs: Vec<Line<'s>>,
}

impl<'s> Lines<'s> {
    fn over(services: &'s [Service]) -> Self {
        let of = |kind| patterns(services).filter(move |(_, pattern)| pattern.kind == kind);
        let suffixes = of(Kind::Suffix).map(|line| (line.1.text.as_str(), line)).collect();
        Lines { suffixes, globs: of(Kind::Glob).collect() }
    }

    /// The line that would answer for the hosts of this one if it were not there.
    fn next_after(&self, pattern: &Pattern) -> Option<Line<'s>> {
        let glob = self.globs.iter().filter(|(_, glob)| covers(glob, pattern));
        if let Some(glob) = glob.max_by_key(|(_, glob)| literals(&glob.text)) {
            return Some(*glob);
        }
        let own = (pattern.kind == Kind::Exact).then(|| self.suffixes.get(pattern.text.as_str())).flatten();
        own.or_else(|| parents(&pattern.text).find_map(|parent| self.suffixes.get(parent))).copied()
    }
}

/// True when the glob matches whatever the inner line does. A `*` of the inner line stands for anything,
/// so only a `*` may match it, and as a character that no label holds it does not match anything else.
fn covers(glob: &Pattern, inner: &Pattern) -> bool {
    inner.kind != Kind::Suffix
        && inner.text != glob.text
        && inner.text.split('.').count() == glob.text.split('.').count()
        && glob.text.split('.').zip(inner.text.split('.')).all(|(wild, label)| label_matches(wild, label))
}
