//! From a name as it was seen to a name that patterns compare with.

use std::borrow::Cow;

/// The longest host name that DNS can carry in text.
const MAX_HOST: usize = 253;

/// Lower-case ASCII labels without port and trailing dots, or `None` for what is no host name: an address,
/// an empty or oversized name, a character that no host name holds.
pub(crate) fn normalise(seen: &str) -> Option<Cow<'_, str>> {
    if is_clean(seen.as_bytes()) {
        return Some(Cow::Borrowed(seen));
    }
    step_by_step(seen)
}

/// The registrable domain of a clean name by the Public Suffix List; a name of its private section is one too.
pub(crate) fn registrable(host: &str) -> Option<&str> {
    if !is_clean(host.as_bytes())
        || host.rsplit('.').next().is_some_and(|tld| tld.bytes().all(|b| b.is_ascii_digit()))
    {
        return None;
    }
    let private = || psl::suffix(host.as_bytes()).is_some_and(|suffix| suffix.typ() == Some(psl::Type::Private));
    psl::domain_str(host).or_else(|| private().then_some(host))
}

fn step_by_step(seen: &str) -> Option<Cow<'_, str>> {
    let host = without_port(seen)?.trim_end_matches('.');
    if host.is_empty() || host.len() > MAX_HOST {
        return None;
    }
    let host = if !host.is_ascii() {
        Cow::Owned(a_labels(host)?)
    } else if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(host.to_ascii_lowercase())
    } else {
        Cow::Borrowed(host)
    };
    is_host(&host).then_some(host)
}

/// True for a name that is normalised already: nearly every name on the wire, so it is seen in one pass.
fn is_clean(seen: &[u8]) -> bool {
    let (mut empty, mut numeric) = (true, true);
    for &byte in seen {
        if byte == b'.' {
            if empty {
                return false;
            }
            (empty, numeric) = (true, true);
        } else if LABEL_BYTES[byte as usize] {
            empty = false;
            numeric &= byte.is_ascii_digit();
        } else {
            return false;
        }
    }
    !empty && !numeric && seen.len() <= MAX_HOST
}

/// `[a-z0-9_-]` as a table: one load per byte.
const LABEL_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        table[byte as usize] = is_label_byte(byte);
        byte += 1;
    }
    table
};

/// Cuts `:port`. More than one colon, or a bracket, is an IPv6 address.
fn without_port(seen: &str) -> Option<&str> {
    let Some((host, port)) = seen.split_once(':') else {
        return Some(seen);
    };
    port.bytes().all(|byte| byte.is_ascii_digit()).then_some(host)
}

/// Turns Unicode labels into `xn--` labels. A label that mapping would turn into plain ASCII (full-width or
/// mathematical letters, invisible characters) is refused: a look-alike never becomes the real name.
fn a_labels(host: &str) -> Option<String> {
    let ascii = idna::domain_to_ascii(host).ok()?;
    if ascii.len() > MAX_HOST || ascii.split('.').count() != host.split('.').count() {
        return None;
    }
    let honest =
        host.split('.').zip(ascii.split('.')).all(|(seen, label)| seen.is_ascii() || label.starts_with("xn--"));
    honest.then_some(ascii)
}

/// Labels of `[a-z0-9_-]`, the last of them not a number (which would make the name an address).
fn is_host(host: &str) -> bool {
    let mut labels = host.rsplit('.');
    let numeric = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    labels.next().is_some_and(|last| is_label(last) && !numeric(last)) && labels.all(is_label)
}

/// True for a label of `[a-z0-9_-]` that is not empty.
pub(crate) fn is_label(label: &str) -> bool {
    !label.is_empty() && label.bytes().all(is_label_byte)
}

const fn is_label_byte(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_name_is_borrowed() {
        assert!(matches!(normalise("api.openai.com"), Some(Cow::Borrowed("api.openai.com"))));
        assert!(matches!(normalise("api.openai.com."), Some(Cow::Borrowed("api.openai.com"))));
        assert!(matches!(normalise("api.openai.com:443"), Some(Cow::Borrowed("api.openai.com"))));
    }

    /// Every name of up to five characters out of those that matter.
    #[test]
    fn one_pass_and_step_by_step_agree() {
        let mut names = vec![String::new()];
        for length in 0..5 {
            let longer: Vec<String> = names.iter().filter(|name| name.chars().count() == length).cloned().collect();
            for name in longer {
                names.extend(['a', 'A', '1', '.', '-', ':', '*', '\u{fc}'].map(|char| format!("{name}{char}")));
            }
        }
        for name in names {
            let plain = step_by_step(&name).is_some_and(|host| host == *name);
            assert_eq!(is_clean(name.as_bytes()), plain, "{name}");
        }
    }

    #[test]
    fn case_dots_and_port_go() {
        assert_eq!(normalise("API.OpenAI.com..:8443").as_deref(), Some("api.openai.com"));
    }

    #[test]
    fn addresses_and_rubbish_are_no_hosts() {
        for seen in ["", ".", ":443", "1.2.3.4", "1.2.3.4:80", "[2001:db8::1]", "[2001:db8::1]:443", "2001:db8::1"]
        {
            assert_eq!(normalise(seen), None, "{seen}");
        }
        for seen in ["a..openai.com", ".openai.com", "a b.openai.com", "openai.com/", "*.openai.com", "x:y"] {
            assert_eq!(normalise(seen), None, "{seen}");
        }
        assert_eq!(normalise(&format!("{}.openai.com", "a".repeat(250))), None);
    }

    #[test]
    fn unicode_becomes_a_labels() {
        assert_eq!(normalise("bücher.example").as_deref(), Some("xn--bcher-kva.example"));
        assert_eq!(normalise("BÜCHER.Example.").as_deref(), Some("xn--bcher-kva.example"));
    }

    #[test]
    fn look_alikes_never_become_the_real_name() {
        // Cyrillic о, full-width letters, an ideographic full stop, a soft hyphen, a Kelvin sign.
        for seen in
            ["\u{43e}penai.com", "\u{ff4f}penai.com", "openai\u{3002}com", "open\u{ad}ai.com", "\u{212a}imi.com"]
        {
            let host = normalise(seen);
            assert!(host.as_deref().is_none_or(|host| host.starts_with("xn--")), "{seen}: {host:?}");
        }
    }
}
