use super::*;

fn missing(holes: &mut Holes, next: u32, time: u32) -> u64 {
    let mut sums = TcpBytes::default();
    holes.pass(next, time, &mut sums);
    sums.missing
}

fn hole(start: u32, end: u32) -> Holes {
    let mut holes = Holes::default();
    holes.open(start, end, 0, &mut TcpBytes::default());
    holes
}

#[test]
fn what_the_receiver_has_and_nobody_fills_is_missing() {
    let mut holes = hole(100, 200);
    holes.acknowledge(200, 50);
    assert_eq!(missing(&mut holes, 300, ACKNOWLEDGED), 0, "it may be on its way through the mirror");
    assert_eq!(missing(&mut holes, 300, ACKNOWLEDGED + 1), 100);
}

#[test]
fn what_the_receiver_waits_for_is_not() {
    let mut holes = hole(100, 200);
    holes.acknowledge(100, 50);
    holes.acknowledge(199, 60);
    assert_eq!(missing(&mut holes, 300, 2 * UNKNOWN), 0);
    let mut sums = TcpBytes::default();
    holes.end(300, &mut sums);
    assert_eq!(sums, TcpBytes::default(), "nor when the connection breaks");
}

#[test]
fn without_acknowledgements_time_tells() {
    let mut holes = hole(u32::MAX - 50, 50);
    assert_eq!(missing(&mut holes, 300, UNKNOWN), 0);
    assert_eq!(missing(&mut holes, 300, UNKNOWN + 1), 101);
}

#[test]
fn quick_is_out_of_order_and_late_is_sent_again() {
    for (time, segments, quick) in [
        (REORDERED, 9, true),
        (REORDERED + 1, 9, false),
        (TIMEOUT - 1, REORDERED_SEGMENTS, true),
        (TIMEOUT, 1, false),
    ] {
        let (mut holes, mut sums) = (hole(100, 200), TcpBytes::default());
        for _ in 0..segments {
            holes.pass(300, 0, &mut sums);
        }
        assert_eq!(holes.fill(100, 200, time, &mut sums), 100);
        let expected = if quick { (100, 0) } else { (0, 100) };
        assert_eq!((sums.reordered, sums.resent), expected, "{time} {segments}");
        assert!(holes.pass(300, time, &mut sums), "nothing is left");
    }
}

#[test]
fn a_part_is_filled() {
    let (mut holes, mut sums) = (hole(u32::MAX - 99, 100), TcpBytes::default());
    assert_eq!(holes.fill(u32::MAX - 49, 50, 0, &mut sums), 100);
    assert_eq!(holes.fill(u32::MAX - 49, 50, 0, &mut sums), 0, "a second copy");
    assert_eq!(holes.fill(u32::MAX - 199, u32::MAX - 89, 0, &mut sums), 10);
    holes.end(300, &mut sums);
    assert_eq!((sums.reordered, sums.missing), (110, 90));
}

#[test]
fn what_goes_beyond_the_limit_is_missing_at_once() {
    let (mut holes, mut sums) = (Holes::default(), TcpBytes::default());
    for i in 0..MAX_HOLES as u32 + 3 {
        holes.open(100 * i, 100 * i + 10, 0, &mut sums);
    }
    assert_eq!((sums.missing, holes.open.len()), (30, MAX_HOLES));
    holes.fill(1000, 1010, 0, &mut sums);
    holes.fill(1102, 1104, 0, &mut sums);
    holes.fill(1106, 1108, 0, &mut sums);
    assert_eq!((sums.missing, holes.open.len()), (40, MAX_HOLES), "parts count as well");
}

#[test]
fn what_only_an_empty_segment_shows_is_missing_at_the_end() {
    let (mut holes, mut sums) = (Holes::default(), TcpBytes::default());
    holes.show(500, 0);
    holes.show(400, 0);
    assert!(!holes.pass(200, 0, &mut sums));
    holes.end(200, &mut sums);
    assert_eq!(sums, TcpBytes { bytes: 300, missing: 300, ..TcpBytes::default() });
    assert!(holes.pass(500, 0, &mut sums), "it came after all");
}

#[test]
fn a_hole_further_behind_than_any_window_is_missing() {
    let mut holes = hole(0, 100);
    holes.acknowledge(0, 50);
    assert_eq!(missing(&mut holes, WINDOW as u32, 60), 0);
    assert_eq!(missing(&mut holes, WINDOW as u32 + 1, 60), 100);
}
