//! Shapes that are turns and shapes that are none.

use super::*;

const SECOND: i64 = 1_000_000;

/// `count` small packets from the service, 50 ms apart.
fn text(b: &mut Bursts, start: i64, count: i64) -> i64 {
    for i in 0..count {
        b.down(start + i * 50_000, 170);
    }
    start + count * 50_000
}

fn settled(mut b: Bursts) -> Bursts {
    b.settle();
    b
}

#[test]
fn loading_a_page_is_no_turn_even_in_pieces_and_after_pauses() {
    let mut b = Bursts::new(false);
    for load in 0..4 {
        let start = load * 5 * SECOND;
        b.up(start, 600);
        for i in 0..100 {
            b.down(start + 30_000 + i * 100, 1448);
        }
        for part in 0..3 {
            b.up(start + 60_000 + part * 40_000, 110);
            for i in 0..40 {
                b.down(start + 70_000 + part * 40_000 + i * 100, 1448);
            }
        }
    }
    assert_eq!(settled(b).turns, 0);
}

#[test]
fn a_written_answer_is_a_turn_once_whatever_was_before() {
    for before in [0, 20 * SECOND] {
        let mut b = Bursts::new(false);
        b.up(0, 900);
        b.up(before, 800);
        b.down(before + 80_000, 225);
        let end = text(&mut b, before + 10 * SECOND, 40);
        b.up(end + SECOND, 500);
        text(&mut b, end + 2 * SECOND, 40);
        let b = settled(b);
        assert_eq!((b.turns, b.streamed), (2, true));
    }
}

#[test]
fn many_small_things_that_a_page_asks_for_at_once_are_no_written_answer() {
    let mut b = Bursts::new(false);
    b.renders = true;
    b.up(0, 900);
    b.down(20_000, 30_000);
    for i in 0..8 {
        b.up(5 * SECOND + i * 100, 120);
    }
    for i in 0..16 {
        b.down(5 * SECOND + 50_000 + i * 90_000, 400);
    }
    // The same again while the answers to the first are under way.
    b.up(7 * SECOND, 900);
    b.down(7 * SECOND + 30_000, 600);
    for i in 0..5 {
        b.up(7 * SECOND + 31_000 + i * 100, 110);
    }
    for i in 0..6 {
        b.down(7 * SECOND + 60_000 + i * 120_000, 500);
    }
    assert_eq!(settled(b).turns, 0);
}

#[test]
fn text_in_lumps_is_told_from_a_slow_download() {
    let lumps = |last: u64| {
        let mut b = Bursts::new(false);
        b.up(0, 900);
        for i in 0..20 {
            b.down(i * 300_000, 1448);
            b.down(i * 300_000 + 100, last);
        }
        settled(b).turns
    };
    assert_eq!((lumps(400), lumps(1448)), (1, 0));
}

#[test]
fn reports_are_no_turns_and_a_whole_answer_after_thought_is_one() {
    let mut b = Bursts::new(false);
    b.up(0, 900);
    b.down(20_000, 9000);
    for i in 1..20 {
        b.up(i * 10 * SECOND, 2400);
        b.down(i * 10 * SECOND + 20_000, 120);
    }
    b.up(300 * SECOND, 1500);
    b.down(303 * SECOND, 1448);
    b.down(303 * SECOND + 50, 900);
    let b = settled(b);
    assert_eq!((b.turns, b.reports), (1, 19));
}

#[test]
fn a_report_while_an_answer_is_written_is_no_turn() {
    let mut b = Bursts::new(false);
    b.renders = true;
    b.up(0, 900);
    let pause = text(&mut b, SECOND, 30);
    b.up(pause - 20_000, 2400);
    b.down(pause - 10_000, 59);
    text(&mut b, pause, 30);
    assert_eq!(settled(b).turns, 1);
}

#[test]
fn keep_alives_and_polls_are_no_answer_and_no_question() {
    let mut b = Bursts::new(false);
    b.up(0, 900);
    b.down(20_000, 3000);
    for i in 1..600 {
        b.up(i * SECOND, 90);
        b.down(i * SECOND + 20_000, 200);
    }
    // Unasked messages of the service, too far apart for a text.
    for i in 0..60 {
        b.down((700 + i * 10) * SECOND, 150);
    }
    assert_eq!(settled(b).turns, 0);
}

#[test]
fn flow_control_cuts_neither_an_answer_nor_an_upload() {
    let mut b = Bursts::new(false);
    b.up(0, 300);
    for i in 0..20 {
        b.down(i * 60_000, 110);
        b.up(i * 60_000 + 10, 35);
    }
    let mut upload = Bursts::new(false);
    for i in 0..1000 {
        upload.up(i * 1000, 1448);
        if i % 12 == 11 {
            upload.down(i * 1000 + 10, 70);
        }
    }
    upload.down(2 * SECOND, 180);
    assert_eq!((settled(b).turns, upload.largest, settled(upload).turns), (1, 1_448_000, 0));
}

#[test]
fn each_call_of_a_program_is_a_turn_and_an_idle_connection_is_none() {
    let mut calls = Bursts::new(true);
    for i in 0..10 {
        calls.up(i * 1000, 700 + i as u64);
        calls.down(i * 1000 + 400, 300);
    }
    let calls = settled(calls);
    assert_eq!((calls.turns, calls.grown, calls.shrunk, calls.smallest), (10, 9, 0, 700));
    let mut idle = Bursts::new(true).compressed(true);
    idle.up(0, 80);
    idle.down(500, 500);
    idle.up(1000, 104);
    idle.down(2000, 60);
    idle.up(30 * SECOND, 39);
    idle.down(30 * SECOND + 1, 39);
    assert_eq!(settled(idle).turns, 0);
}

#[test]
fn a_conversation_by_voice_is_one_turn() {
    for programmatic in [false, true] {
        let mut b = Bursts::new(programmatic);
        for i in 0..1000 {
            b.up(i * 20_000, 120 + (i % 7) as u64 * 10);
            b.down(i * 20_000 + 3000, 130 + (i % 5) as u64 * 10);
        }
        assert_eq!((settled(b.clone()).turns, b.speech.seconds), (1, 19));
    }
}

/// Any traffic: flow control anywhere in it changes nothing, and no count exceeds what was sent.
#[test]
fn flow_control_anywhere_changes_nothing() {
    let mut state = 7_u64;
    let mut next = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for round in 0..200 {
        let new = || {
            let mut b = Bursts::new(round % 2 == 0).compressed(round % 3 == 0);
            b.renders = round % 5 == 0;
            b
        };
        let (mut plain, mut mixed) = (new(), new());
        let (mut time, mut ups, mut sent) = (0, 0, 0);
        for _ in 0..500 {
            // Now and then the clock is set back.
            time += [10, 5_000, 200_000, 4 * SECOND, -SECOND][next(5) as usize];
            let bytes = next(1448) + 1;
            if next(2) == 0 {
                mixed.up(time, next(CONTROL) + 1);
            } else {
                mixed.down(time, next(CONTROL) + 1);
            }
            if next(3) == 0 {
                (ups, sent) = (ups + 1, sent + bytes);
                plain.up(time, bytes);
                mixed.up(time, bytes);
            } else {
                plain.down(time, bytes);
                mixed.down(time, bytes);
            }
        }
        let (plain, mixed) = (settled(plain), settled(mixed));
        let counts = |b: &Bursts| (b.turns, b.largest, b.reports, b.grown, b.shrunk, b.smallest, b.streamed);
        assert_eq!(counts(&plain), counts(&mixed));
        assert!(plain.turns <= ups && plain.largest <= sent);
    }
}
