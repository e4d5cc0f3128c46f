//! The loop of `sense`: what the rings say to the spool, once a second the rest.

use std::time::{Duration, Instant};

use sensor::team::Rings;
use sensor::worker::Summary;

use crate::exit::Failure;
use crate::health::Telling;
use crate::rules_files::Rules;
use crate::spooling::Spooling;
use crate::supervise::Asked;
use crate::terminal;
use crate::totals::Totals;

/// A segment is sealed after this time, so that a finding is at most a few seconds old.
const SEAL: Duration = Duration::from_secs(1);
/// Between two looks at what is asked for.
const LOOK: Duration = Duration::from_millis(100);

/// Takes what the rings say until somebody asks for the end or an interface goes; always ends all flows and seals the
/// spool. However long the disk takes, no ring waits for it.
pub(crate) fn sense(
    mut rings: Rings,
    spooling: &mut Spooling,
    telling: &mut Telling,
    rules: &Rules,
    asked: &Asked,
) -> (Summary, Result<(), Failure>) {
    let mut said = String::new();
    let mut sealed = Instant::now();
    while rings.hear(LOOK, spooling) {
        if asked.to_stop() {
            rings.stop();
        }
        if sealed.elapsed() < SEAL {
            continue;
        }
        sealed = Instant::now();
        spooling.missed(rings.take_lost());
        let trouble = seal(spooling).err().map_or_else(String::new, Failure::into_text);
        // Said once, until other trouble or success takes its place.
        if !trouble.is_empty() && trouble != said {
            terminal::warning(&format!("records are lost at the spool: {trouble}"));
        }
        said = trouble;
        let waiting = (spooling.waiting(), spooling.limit());
        telling.tell(
            Totals::of(&rings.summary(), spooling),
            rules.current().version(),
            spooling.packets(),
            waiting,
        );
        rings.take_turned().into_iter().for_each(|(interface, up)| tell(&interface, up));
        if asked.to_reload() {
            reload(rules, &rings);
        }
    }
    spooling.missed(rings.take_lost());
    let closed = spooling.finish().map_err(Failure::from).and_then(|()| spooling.failed());
    (rings.summary(), rings.failed().map_err(Failure::from).and(closed))
}

fn seal(spooling: &mut Spooling) -> Result<(), Failure> {
    let sealed = spooling.seal().map_err(Failure::from);
    spooling.failed().and(sealed)
}

/// Puts changed catalogue files in force without losing a packet.
fn reload(rules: &Rules, rings: &Rings) {
    rules.reload();
    let catalogue = rules.current();
    terminal::note(&format!("catalogue {} in force, {} services", catalogue.version(), catalogue.services().len()));
    rings.set_catalogue(&catalogue);
}

/// Says that there is nothing to be read for a while, and that there is again.
fn tell(interface: &str, up: bool) {
    match up {
        true => terminal::note(&format!("interface {interface} is up again")),
        false => terminal::warning(&format!(
            "interface {interface} is down: no packets until somebody brings it up (ip link set {interface} up)"
        )),
    }
}
