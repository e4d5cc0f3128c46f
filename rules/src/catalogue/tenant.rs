//! The customer's own label in a host name, such as the resource in `resource.openai.azure.com`.

use super::service::{Kind, Pattern};

/// The customer's label or labels in a normalised host that this pattern matches.
pub(super) fn of<'h>(pattern: &Pattern, host: &'h str) -> Option<&'h str> {
    match pattern.kind {
        Kind::Exact => None,
        Kind::Suffix => host.strip_suffix(&pattern.text)?.strip_suffix('.'),
        Kind::Glob => under_star(&pattern.text, host),
    }
}

/// What the leftmost `*` stands for; with several in one label, all between the first and the last.
fn under_star<'h>(glob: &str, host: &'h str) -> Option<&'h str> {
    let (wild, label) = glob.split('.').zip(host.split('.')).find(|(wild, _)| wild.contains('*'))?;
    let (head, _) = wild.split_once('*')?;
    let (_, tail) = wild.rsplit_once('*')?;
    label.strip_prefix(head)?.strip_suffix(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_star_of_a_label_is_the_tenant() {
        assert_eq!(under_star("*.openai.azure.com", "contoso.openai.azure.com"), Some("contoso"));
        assert_eq!(under_star("copilot-api.*.ghe.com", "copilot-api.contoso.ghe.com"), Some("contoso"));
        assert_eq!(under_star("vpce-*.x.*.com", "vpce-0a1.x.eu.com"), Some("0a1"));
        assert_eq!(under_star("a-*-b.example.com", "a-contoso-b.example.com"), Some("contoso"));
        assert_eq!(under_star("*-x-*.example.com", "a-x-b.example.com"), Some("a-x-b"));
    }
}
