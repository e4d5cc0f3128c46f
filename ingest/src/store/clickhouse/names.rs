//! Names that an administrator gives, on their way into SQL: refused where they have no business, quoted always.

/// Why SQL cannot be printed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DdlError {
    /// A name that is none.
    #[error("{what} {name:?}: {why}")]
    Name {
        /// What is named.
        what: &'static str,
        /// The name.
        name: String,
        /// What a name may be.
        why: &'static str,
    },
    /// A step of the schema that has no form for a cluster.
    #[error("the schema has a statement that cannot be written for a cluster: {0}")]
    Statement(String),
}

/// The longest name, in bytes.
const LONGEST: usize = 64;

/// A cluster, as it stands in the server's configuration, or the macro that holds its name: `{cluster}`.
pub(super) fn cluster(name: &str) -> Result<String, DdlError> {
    let bare = name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name);
    plain("the cluster's name", name, bare).map(|()| literal(name))
}

/// A user, as an identifier.
pub(super) fn user(name: &str) -> Result<String, DdlError> {
    plain("the user's name", name, name).map(|()| identifier(name))
}

/// A site, as a literal. Sites are named by people: 1 to 64 bytes without control characters, as in the configuration.
pub(super) fn site(name: &str) -> Result<String, DdlError> {
    if !(1..=LONGEST).contains(&name.len()) || name.chars().any(char::is_control) {
        let why = "a site has 1 to 64 bytes and no control characters";
        return Err(DdlError::Name { what: "the site's name", name: name.to_owned(), why });
    }
    Ok(literal(name))
}

fn plain(what: &'static str, name: &str, bare: &str) -> Result<(), DdlError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if (1..=LONGEST).contains(&bare.len()) && bare.chars().all(fits) {
        return Ok(());
    }
    let why = "it has 1 to 64 letters, digits, and _ - . alone";
    Err(DdlError::Name { what, name: name.to_owned(), why })
}

/// Text as a literal.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// A name as an identifier.
pub(super) fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_refused_or_quoted() {
        for name in ["", "a b", "x'; DROP TABLE flow; --", "a`b", "{a", "a}", "{{a}}", "ümlaut", &"a".repeat(65)] {
            assert!(cluster(name).is_err() && user(name).is_err(), "{name}");
        }
        assert_eq!(cluster("{cluster}").unwrap(), "'{cluster}'");
        assert_eq!(cluster("eu-1.two").unwrap(), "'eu-1.two'");
        assert_eq!(user("grafana-hq").unwrap(), "`grafana-hq`");
        assert!(user("{reader}").is_err());
        assert_eq!(site("O'Hare \\ 1=1 `x` Büro").unwrap(), "'O\\'Hare \\\\ 1=1 `x` Büro'");
        for name in ["", "a\nb", "a\0", &"a".repeat(65)] {
            assert!(site(name).is_err(), "{name:?}");
        }
    }
}
