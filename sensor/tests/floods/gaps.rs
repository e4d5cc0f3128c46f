//! Floods that once got past the limits.

use crate::frames::{RESOLVER, dns, udp, v4};
use crate::{Kind, NONE, SMALL, Setup, kinds};

fn check(kind: &Kind) {
    let setup = Setup { frames: kind.frames[0], ..SMALL };
    let outcome = kind.run(setup);
    outcome.is_good();
    outcome.stays_below(kind.ceiling(setup));
}

/// Sixteen questions for one long name in a message of 350 bytes, two messages on a flow: names of 8 KB wait for answers
/// that never come.
#[test]
fn questions_that_nobody_answers() {
    check(&Kind {
        flood: |_| {
            let mut n = 0;
            Box::new(move |random, frame| {
                n += 1;
                let name = format!("{:063x}.{:063x}.{:063x}.{:055x}", random.next(), 1, 2, 3);
                let client = (v4(0x0a00_0000 | (n / 2) & 0xffff), 50_000);
                udp(frame, client, RESOLVER, &dns(random.next() as u16, name.as_bytes(), 16, &[]));
            })
        },
        frames: [12_000, 0],
        state: 144,
        held: true,
        ..NONE
    });
}

/// No DNS name has more than 253 characters. A server name of 4,000 is kept as long as the flow, and with the hour's hosts.
#[test]
fn server_names_that_are_too_long() {
    check(&Kind {
        flood: |_| Box::new(kinds::names(|n| format!("{n:04000x}.example").into(), &[b"h2"])),
        frames: [60_000, 0],
        ..*crate::KINDS.iter().find(|kind| kind.name == "random names of random clients").unwrap()
    });
}
