//! Flows whose name is hidden or absent: what the same client's own DNS answers allow for the address.

use rules::catalogue::{Catalogue, Strength};

use super::naming::Core;
use crate::flow::probe::Found;
use crate::flow::sight::Sight;
use crate::flow::tag::{Tag, Tagged};
use crate::flow::waiting::Clues;
use crate::flow::{Flow, State};
use crate::ledger::Method;
use crate::name::claims::SLACK;
use crate::name::ech;
use crate::output::Output;
use crate::record::{Ech, Evidence, Protocol};

impl Core {
    /// Whether a hello is an encrypted one, by the name that stands outside.
    pub(super) fn ech(&self, flow: &Flow, found: &Found, time: i64) -> Ech {
        let client = flow.key.end(found.client).0;
        let server = flow.key.end(found.client.other()).0;
        ech::decide(&self.infra, found.ech, found.name.as_deref(), |outer| {
            if !self.known.public_names().hides(outer, time) || self.catalogue.find(outer).is_some() {
                return false;
            }
            // Whoever hides a name asks for that one, and not for the name that stands outside.
            let claims = self.known.claims();
            let names = claims.names(client, server, time);
            let configs = self.known.configs();
            !names.contains(&outer) || names.iter().any(|name| configs.has(client, name, outer, time))
        })
    }

    /// A flow without a name of its own. One whose hello is young waits for answers that are late on the wire.
    pub(super) fn nameless(&mut self, flow: &mut Flow, clues: Clues, time: i64, out: &mut impl Output) {
        let young = time < flow.start.saturating_add(SLACK);
        match young && clues.protocol != Protocol::Other {
            true => self.wait(flow, clues, time),
            false => self.weigh(flow, clues, None, time, out),
        }
    }

    /// What did DNS tell this client about the address? `counted` is what the flow did while that was open.
    pub(super) fn weigh(
        &mut self,
        flow: &mut Flow,
        clues: Clues,
        counted: Option<Tagged>,
        time: i64,
        out: &mut impl Output,
    ) {
        let names = self.told(flow, &clues);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let method = match (&names[..], clues.ech) {
            ([_], _) => Method::Dns,
            (_, Ech::Real) => Method::EchReal,
            _ => Method::None,
        };
        let one = if let [one] = &names[..] { Some(*one) } else { None };
        let sight = if method == Method::EchReal { Sight::EchReal } else { self.sight(flow, one, &clues.alpn) };
        let Some(tag) = claimed(&self.catalogue, &names, &clues) else {
            self.decide(flow, method, sight);
            flow.state = State::Decided;
            return;
        };
        let ambiguous = tag.evidence == Evidence::Ambiguous;
        self.decide(flow, if ambiguous { Method::Ambiguous } else { Method::Dns }, Sight::Named);
        match counted {
            Some(mut tagged) => {
                tagged.tag = tag;
                self.begin_tag(flow, tagged, time, out);
            }
            None => self.tagged(flow, tag, clues.build, time, out),
        }
    }

    /// The names that DNS told this client for the address, as far as the hello allows them.
    fn told(&self, flow: &Flow, clues: &Clues) -> Vec<String> {
        let (client, server) = (flow.client_end().0, flow.server_end().0);
        // A connection that carried nothing was contact with an address, not with a name.
        if !flow.has_exchanged() && clues.protocol == Protocol::Other {
            return Vec::new();
        }
        let claims = self.known.claims();
        let names = claims.names(client, server, flow.start);
        let names = match &clues.outer {
            Some(outer) if clues.ech == Ech::Real => {
                self.known.configs().possible(client, names, outer, flow.start)
            }
            _ => names,
        };
        names.into_iter().map(str::to_owned).collect()
    }

    /// The tag of a flow as far as it can be told now.
    pub(super) fn foretold(&self, flow: &Flow, clues: &Clues) -> Option<Tag> {
        let names = self.told(flow, clues);
        claimed(&self.catalogue, &names.iter().map(String::as_str).collect::<Vec<_>>(), clues)
    }
}

/// The tag of a flow for whose address the client's DNS answers gave `names`: none of them an AI service = no tag, one
/// name alone = a graded verdict, several = ambiguous, which is never use.
fn claimed(catalogue: &Catalogue, names: &[&str], clues: &Clues) -> Option<Tag> {
    let hit = names.iter().find_map(|name| catalogue.find(name))?;
    let (evidence, strength, host, candidates) = match names {
        [name] => (Evidence::Dns, hit.pattern.strength.max(Strength::Likely), Some((*name).to_owned()), Vec::new()),
        _ => (Evidence::Ambiguous, Strength::Weak, None, names.iter().map(|&name| name.to_owned()).collect()),
    };
    let (ech, alpn, ja4) = (clues.ech, clues.alpn.clone(), clues.ja4.clone());
    Some(Tag { strength, host, candidates, ech, alpn, ja4, ..Tag::new(&hit, clues.protocol, evidence) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_is_a_verdict_and_two_are_none() {
        let catalogue = Catalogue::builtin();
        let one = claimed(&catalogue, &["claude.ai"], &Clues::NONE).unwrap();
        assert_eq!(
            (one.evidence, one.strength, one.host.as_deref()),
            (Evidence::Dns, Strength::Likely, Some("claude.ai"))
        );
        let two = claimed(&catalogue, &["chatgpt.com", "news.example"], &Clues::NONE).unwrap();
        assert_eq!((two.evidence, two.strength, two.host), (Evidence::Ambiguous, Strength::Weak, None));
        assert_eq!(two.candidates, ["chatgpt.com", "news.example"]);
        assert!(claimed(&catalogue, &["news.example"], &Clues::NONE).is_none());
    }
}
