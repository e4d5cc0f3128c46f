//! What an answer may be. The same words on the command line and on the terminal.

use ipnet::IpNet;

use crate::config;

/// A receiver of alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Receiver {
    /// Nobody.
    None,
    /// A syslog receiver: `tls`, `tcp` or `udp`, and `host:port`.
    Syslog(&'static str, String),
}

/// The longest address: it becomes the sink's name.
const ADDRESS_MAX: usize = 100;

/// A name that goes into each record.
pub(super) fn site(text: &str) -> Result<String, String> {
    config::site_name(text).map(|()| text.to_owned())
}

/// An IANA name.
pub(super) fn zone(text: &str) -> Result<String, String> {
    config::time_zone(text).map(|()| text.to_owned())
}

/// Names with commas, or `none`.
pub(super) fn interfaces(text: &str) -> Result<Vec<String>, String> {
    if text == "none" {
        return Ok(Vec::new());
    }
    let one = |name: &str| match config::is_interface(name) {
        true => Ok(name.to_owned()),
        false => Err(format!("{name:?} is no interface's name: `ip -br link` lists them")),
    };
    text.split(',').map(str::trim).map(one).collect()
}

/// Networks with commas, or `private`.
pub(super) fn nets(text: &str) -> Result<Vec<IpNet>, String> {
    if text == "private" {
        return Ok(Vec::new());
    }
    let one = |net: &str| {
        let parsed = net.parse::<IpNet>().map(|net| net.trunc());
        parsed.map_err(|_| format!("{net:?} is no network: write for example 10.0.0.0/8, or private"))
    };
    text.split(',').map(str::trim).map(one).collect()
}

/// `tls://HOST:PORT`, or `none`.
pub(super) fn receiver(text: &str) -> Result<Receiver, String> {
    if text == "none" {
        return Ok(Receiver::None);
    }
    let wrong = || format!("{text:?} is no receiver: write for example tls://siem.example:6514, or none");
    let (transport, address) = text.split_once("://").unwrap_or(("tcp", text));
    let transport = match transport {
        "tls" => "tls",
        "tcp" => "tcp",
        "udp" => "udp",
        _ => return Err(wrong()),
    };
    let (host, port) = address.rsplit_once(':').ok_or_else(wrong)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_[]:".contains(c);
    let fits = !host.is_empty() && address.len() <= ADDRESS_MAX && host.chars().all(plain);
    match port.parse::<u16>() {
        Ok(1..) if fits => Ok(Receiver::Syslog(transport, address.to_owned())),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_are_none() {
        assert!(site("").is_err() && site("a\nb").is_err() && site(&"x".repeat(65)).is_err());
        assert!(zone("Mars/Olympus").is_err() && zone("Europe/Berlin\"").is_err());
        assert!(interfaces("eth0,").is_err() && interfaces("../eth0").is_err() && interfaces("a b").is_err());
        assert!(nets("").is_err() && nets("10.0.0.0/33").is_err() && nets("10.0.0.0/8;").is_err());
        for text in ["", "siem", "siem:0", "siem:70000", ":514", "http://siem:80", "a\"b:514", "a/b:514", "a b:514"]
        {
            assert!(receiver(text).is_err(), "{text}");
        }
    }

    #[test]
    fn answers_that_are_some() {
        assert_eq!(site("it's \"hq\" \\ Zürich").unwrap(), "it's \"hq\" \\ Zürich");
        assert_eq!(interfaces("eth1, eth2").unwrap(), ["eth1", "eth2"]);
        assert_eq!(interfaces("none").unwrap(), [""; 0]);
        assert_eq!(
            nets("10.1.2.3/8, 2001:db8::1/32").unwrap(),
            ["10.0.0.0/8", "2001:db8::/32"].map(|n| n.parse().unwrap())
        );
        assert!(nets("private").unwrap().is_empty());
        assert_eq!(receiver("none").unwrap(), Receiver::None);
        assert_eq!(receiver("tls://[::1]:6514").unwrap(), Receiver::Syslog("tls", "[::1]:6514".to_owned()));
        assert_eq!(receiver("siem.example:601").unwrap(), Receiver::Syslog("tcp", "siem.example:601".to_owned()));
    }
}
