//! Configurations of encrypted ClientHellos (RFC 9849 section 4): which names their hellos show outside.

use crate::bytes::{Reader, Short};
use crate::dissect::clean_name;

/// The version of a configuration that is in use.
const VERSION: u16 = 0xfe0d;
/// Configurations of one list that are read; real lists have one or two.
const MAX_CONFIGS: usize = 8;

/// The public names in a list. What is broken, or of another version, has none.
pub(super) fn public_names(list: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    let Ok(configs) = Reader::new(list).vec16() else { return names };
    let mut r = Reader::new(configs);
    for _ in 0..MAX_CONFIGS {
        let (Ok(version), Ok(contents)) = (r.u16(), r.vec16()) else { break };
        let Some(name) = public_name(contents).ok().flatten().filter(|_| version == VERSION) else { continue };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn public_name(contents: &[u8]) -> Result<Option<String>, Short> {
    let mut r = Reader::new(contents);
    // Id and algorithm of the key, the key, cipher suites, length of the longest name.
    r.skip(3)?;
    r.vec16()?;
    r.vec16()?;
    r.skip(1)?;
    let name = r.vec8()?;
    r.vec16()?;
    Ok(clean_name(name).filter(|name| is_host(name)))
}

/// True for what a client takes for a host name and no address (RFC 9849 section 4).
fn is_host(name: &str) -> bool {
    let label = |label: &str| {
        let inside = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        (1..=63).contains(&label.len()) && inside && !label.starts_with('-') && !label.ends_with('-')
    };
    let number = name.rsplit('.').next().is_some_and(|last| last.starts_with(|c: char| c.is_ascii_digit()));
    name.len() <= 253 && name.contains('.') && name.split('.').all(label) && !number
}

/// A list with one configuration for each pair of version and public name.
#[cfg(test)]
pub(super) fn list(configs: &[(u16, &str)]) -> Vec<u8> {
    let with_length = |bytes: Vec<u8>| [(bytes.len() as u16).to_be_bytes().to_vec(), bytes].concat();
    let config = |&(version, name): &(u16, &str)| {
        let key = [&[7, 0, 0x20][..], &with_length(vec![9; 32])].concat();
        let behind =
            [&with_length(vec![0, 1, 0, 1])[..], &[0, name.len() as u8], name.as_bytes(), &[0, 0]].concat();
        [version.to_be_bytes().to_vec(), with_length([key, behind].concat())].concat()
    };
    with_length(configs.iter().flat_map(config).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_names_of_the_version_in_use() {
        assert_eq!(public_names(&list(&[(VERSION, "Cover.Example")])), ["cover.example"]);
        let several =
            [(0xfe0a, "old.example"), (VERSION, "a.example"), (VERSION, "b.example"), (VERSION, "a.example")];
        assert_eq!(public_names(&list(&several)), ["a.example", "b.example"]);
    }

    #[test]
    fn what_is_no_host_hides_nothing() {
        for name in ["", "localhost", "192.0.2.1", "a.0x1f", "-a.example", "a..b", "a b.example", "b\u{e9}.example"]
        {
            assert!(public_names(&list(&[(VERSION, name)])).is_empty(), "{name}");
        }
    }

    #[test]
    fn a_list_that_is_cut_has_no_name() {
        let whole = list(&[(VERSION, "cover.example")]);
        for end in 0..whole.len() {
            assert!(public_names(&whole[..end]).is_empty(), "{end}");
        }
    }
}
