//! Whether two words differ by one slip.

/// True for two different words that one inserted, dropped or replaced character, or one swap of
/// neighbours, makes equal.
pub(super) fn one_slip(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let head = short.iter().zip(long).take_while(|(x, y)| x == y).count();
    let (short, long) = (short.get(head..).unwrap_or_default(), long.get(head..).unwrap_or_default());
    match (short, long) {
        ([], []) => false,
        ([x, y, left @ ..], [v, w, right @ ..]) if (x, y) == (w, v) && left == right => true,
        ([_, left @ ..], [_, right @ ..]) if left == right => true,
        (left, [_, right @ ..]) => left == right,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slip_and_not_two() {
        for (a, b) in [
            ("openai", "opena1"),
            ("openai", "openal"),
            ("openai", "opnai"),
            ("openai", "openaii"),
            ("openai", "opneai"),
        ] {
            assert!(one_slip(a, b) && one_slip(b, a), "{a} {b}");
        }
        for (a, b) in [("openai", "openai"), ("openai", "opna1"), ("claude", "cloudy"), ("ab", "abcd")] {
            assert!(!one_slip(a, b) && !one_slip(b, a), "{a} {b}");
        }
    }
}
