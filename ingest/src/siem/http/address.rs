//! The URL of a receiver, looked at before anything is opened.

use std::net::IpAddr;

use url::{Host, Url};

/// Who may read what is sent to a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The receiver alone: https.
    Sealed,
    /// This machine: http to a loopback address.
    Machine,
    /// Everybody on the way: http to anywhere else.
    Anybody,
}

/// Checks a URL. The error says what is wrong and how it is written, and never shows the URL: the path of a hook is often
/// a secret.
pub fn reach(text: &str) -> Result<Reach, String> {
    let wrong = |why: &str| format!("no URL of a receiver, {why}: write for example \"https://siem.example:8088\"");
    let url = Url::parse(text).map_err(|e| wrong(&e.to_string()))?;
    if !["http", "https"].contains(&url.scheme()) {
        return Err(wrong("neither http nor https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a user or password in it would stand in logs: use user, secret_file".to_owned());
    }
    if url.port() == Some(0) {
        return Err(wrong("port 0"));
    }
    let machine = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => IpAddr::from(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => return Err(wrong("without a host")),
    };
    Ok(match (url.scheme(), machine) {
        ("https", _) => Reach::Sealed,
        (_, true) => Reach::Machine,
        (_, false) => Reach::Anybody,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_tells_who_may_read_along() {
        for (url, expected) in [
            ("https://siem.example:8088", Reach::Sealed),
            ("http://127.0.0.1:9200/proxy", Reach::Machine),
            ("http://[::1]:9200", Reach::Machine),
            ("http://localhost:8088", Reach::Machine),
            ("http://127.0.0.1.evil.example", Reach::Anybody),
            ("http://10.0.0.5:8088", Reach::Anybody),
        ] {
            assert_eq!(reach(url), Ok(expected), "{url}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_the_url() {
        for (url, why) in [
            ("https://h:99999/S3CRET", "invalid port number"),
            ("https://h:0/S3CRET", "port 0"),
            ("htps://hooks.example/S3CRET", "neither http nor https"),
            ("hooks.example/S3CRET", "relative URL"),
            ("https://u:S3CRET@h", "would stand in logs"),
            ("https:///", "empty host"),
        ] {
            let said = reach(url).unwrap_err();
            assert!(said.contains(why) && !said.contains("S3CRET"), "{url}: {said}");
        }
    }
}
