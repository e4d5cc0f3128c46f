//! Labels that hold `*`.

/// How many characters of a glob are literal.
pub(in crate::catalogue) fn literals(text: &str) -> usize {
    text.bytes().filter(|&byte| byte != b'*').count()
}

/// True when a label fits a label pattern, where each `*` stands for one or more characters. The label is
/// normalised already, so its characters are all of those that `*` may stand for.
pub(in crate::catalogue) fn label_matches(wild: &str, label: &str) -> bool {
    let mut parts = wild.split('*');
    let Some(rest) = parts.next().and_then(|head| label.strip_prefix(head)) else {
        return false;
    };
    let Some(tail) = parts.next_back() else {
        return rest.is_empty();
    };
    let Some(mut middle) = rest.strip_suffix(tail) else {
        return false;
    };
    // Between head and tail each part needs one free character before it, and one is left for the last `*`.
    for part in parts {
        let Some(found) = middle.get(1..).and_then(|after| after.find(part)) else {
            return false;
        };
        middle = middle.get(1 + found + part.len()..).unwrap_or_default();
    }
    !middle.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_takes_at_least_one_character() {
        assert!(label_matches("*", "a"));
        assert!(!label_matches("*", ""));
        assert!(label_matches("*-aiplatform", "europe-west4-aiplatform"));
        assert!(!label_matches("*-aiplatform", "-aiplatform"));
        assert!(label_matches("repo*", "repo42"));
        assert!(!label_matches("repo*", "repo"));
        assert!(!label_matches("a*a", "a"));
        assert!(!label_matches("a*a", "aa"));
    }

    #[test]
    fn several_stars_in_one_label() {
        assert!(label_matches("a*b*c", "axbxc"));
        assert!(label_matches("a*b*c", "axbbbc"));
        assert!(!label_matches("a*b*c", "abxc"));
        assert!(!label_matches("a*b*c", "axbc"));
        assert!(label_matches("*b*", "abb"));
        assert!(!label_matches("*b*", "ab"));
    }
}
