//! Hosts that hide where a flow goes: encrypted resolvers, relays, VPNs, tunnels, covers of ECH.
//!
//! They are no AI services and never use; they tell how much of the traffic cannot be named.

use std::sync::{Arc, LazyLock};

use jiff::civil::Date;
use serde::Deserialize;

use super::{data, host, matcher::Matcher, service::Kind};
use crate::words::words;

const DATA: &str = include_str!("../../data/infra.toml");

words! {
    /// What a host hides, or tells.
    pub enum InfraClass, "infrastructure class" {
        /// A name that a client asks for to learn whether encrypted DNS is wanted here.
        Canary = "canary",
        /// Discovery of encrypted resolvers: an upgrade of DNS may follow.
        Ddr = "ddr",
        /// DNS over HTTPS: the client's questions cannot be read.
        Doh = "doh",
        /// A name given for DNS over TLS; most of them serve DNS over HTTPS as well.
        Dot = "dot",
        /// The outer name of encrypted ClientHellos: the inner name is unknown.
        EchCover = "ech-cover",
        /// A relay that hides the destination.
        Relay = "relay",
        /// The Tor project.
        Tor = "tor",
        /// A tunnel that puts a local server on the Internet.
        Tunnel = "tunnel",
        /// A virtual private network: all within is hidden.
        Vpn = "vpn",
    }
}

/// All known infrastructure hosts.
#[derive(Debug, Clone)]
pub struct Infra {
    groups: Vec<InfraGroup>,
    matcher: Matcher,
}

/// Hosts that one operator uses for one thing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InfraGroup {
    /// What the hosts hide, or tell.
    pub class: InfraClass,
    /// Whose or which they are, for people.
    pub what: String,
    /// Where this was read.
    pub source: String,
    /// When it was judged.
    #[serde(deserialize_with = "data::date")]
    pub date: Date,
    /// The hosts themselves.
    #[serde(default)]
    pub exact: Vec<String>,
    /// Hosts with every name below them.
    #[serde(default)]
    pub suffix: Vec<String>,
}

/// The answer to "does this host hide something?".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InfraHit<'a> {
    /// What it hides, or tells.
    pub class: InfraClass,
    /// Whose or which it is, for people.
    pub what: &'a str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    infra: Vec<InfraGroup>,
}

impl Infra {
    /// The hosts that are compiled in.
    pub fn builtin() -> Arc<Infra> {
        #[expect(clippy::expect_used, reason = "a constant of this build; a test parses these very bytes")]
        static BUILTIN: LazyLock<Arc<Infra>> =
            LazyLock::new(|| Arc::new(Infra::parse(DATA).expect("the built-in infrastructure hosts parse")));
        BUILTIN.clone()
    }

    fn parse(text: &str) -> Result<Infra, toml::de::Error> {
        let groups = toml::from_str::<File>(text)?.infra;
        let hosts = groups.iter().enumerate().flat_map(|(index, group)| {
            let exact = group.exact.iter().map(|host| (host.as_str(), Kind::Exact));
            exact
                .chain(group.suffix.iter().map(|host| (host.as_str(), Kind::Suffix)))
                .map(move |(host, kind)| (host, kind, (index, 0)))
        });
        let matcher = Matcher::over(hosts);
        Ok(Infra { groups, matcher })
    }

    /// What a host hides. Takes the name as it was seen, as [`Catalogue::find`](super::Catalogue::find) does.
    pub fn find(&self, host: &str) -> Option<InfraHit<'_>> {
        let host = host::normalise(host)?;
        let (group, _) = self.matcher.find(&host)?;
        let group = self.groups.get(group)?;
        Some(InfraHit { class: group.class, what: &group.what })
    }

    /// All groups, in the order of the file.
    pub fn groups(&self) -> &[InfraGroup] {
        &self.groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use std::collections::HashSet;

    #[test]
    fn each_kind_of_blind_spot_is_known() {
        let infra = Infra::builtin();
        let class = |host: &str| infra.find(host).map(|hit| hit.class.as_str());
        for (host, expect) in [
            ("use-application-dns.net", "canary"),
            ("_dns.resolver.arpa", "ddr"),
            ("Mozilla.Cloudflare-DNS.com.", "doh"),
            ("abc123.dns.nextdns.io", "doh"),
            ("abc123.cloudflare-gateway.com", "doh"),
            ("safe.dot.dns.yandex.net", "dot"),
            ("one.one.one.one", "dot"),
            ("cloudflare-ech.com", "ech-cover"),
            ("public.tls-ech.dev", "ech-cover"),
            ("mask.icloud.com", "relay"),
            ("www.torproject.org", "tor"),
            ("a-b-c.trycloudflare.com", "tunnel"),
            ("engage.cloudflareclient.com", "vpn"),
            ("dns.mullvad.net", "doh"),
            ("mullvad.net", "vpn"),
        ] {
            assert_eq!(class(host), Some(expect), "{host}");
        }
        for host in [
            "icloud.com",
            "apple.com",
            "cloudflare.com",
            "notcloudflare-dns.com",
            "joindns4.eu",
            "cira.ca",
            "x.cloudflare-ech.com",
            "tls-ech.dev",
        ] {
            assert_eq!(class(host), None, "{host}");
        }
        assert_eq!(infra.find("dns.quad9.net").map(|hit| hit.what), Some("Quad9"));
        assert!(InfraClass::ALL.iter().all(|class| infra.groups.iter().any(|group| group.class == *class)));
    }

    #[test]
    fn every_host_is_plain_and_stands_once() {
        let infra = Infra::builtin();
        let mut seen = HashSet::new();
        for group in infra.groups() {
            for host in group.exact.iter().chain(&group.suffix) {
                assert_eq!(host::normalise(host).as_deref(), Some(host.as_str()));
                assert!(seen.insert(host), "{host} stands twice");
                let suffix = psl::suffix(host.as_bytes()).filter(|it| it.typ() == Some(psl::Type::Icann));
                assert!(suffix.is_none_or(|suffix| suffix.as_bytes() != host.as_bytes()), "{host}");
            }
        }
    }

    #[test]
    fn nothing_is_both_infrastructure_and_an_ai_service() {
        let (infra, catalogue) = (Infra::builtin(), Catalogue::builtin());
        for host in infra.groups().iter().flat_map(|group| group.exact.iter().chain(&group.suffix)) {
            let hit = catalogue.find(host).map(|hit| (&hit.service.id, &hit.pattern.text));
            assert_eq!(hit, None, "{host}");
        }
        for pattern in catalogue.services().iter().flat_map(|service| &service.patterns) {
            assert_eq!(infra.find(&pattern.text.replace('*', "x")), None, "{}", pattern.text);
        }
    }
}
