use super::*;

const ACK: u8 = 0x10;
const MS: u32 = 1_000;

/// A direction, and what its sequence numbers told.
#[derive(Default)]
struct Bench {
    side: Direction,
    sums: TcpBytes,
}

impl Bench {
    fn segment(&mut self, time: u32, seq: u32, len: u32) -> u32 {
        self.flagged(time, seq, len, ACK)
    }

    fn flagged(&mut self, time: u32, seq: u32, len: u32, flags: u8) -> u32 {
        self.side.advance(Segment { seq, len, flags: TcpFlags(flags), time }, &mut self.sums)
    }

    fn all(&mut self, segments: &[(u32, u32, u32)]) -> u32 {
        segments.iter().map(|&(time, seq, len)| self.segment(time, seq, len)).sum()
    }

    /// Bytes, missing, reordered, resent when the flow is over.
    fn end(mut self) -> [u64; 4] {
        self.side.end(&mut self.sums);
        let TcpBytes { bytes, missing, reordered, resent } = self.sums;
        [bytes, missing, reordered, resent]
    }
}

#[test]
fn payload_is_counted_by_sequence_number() {
    let mut bench = Bench::default();
    // In order, a retransmission, a late segment, a lost one, across the wrap.
    let segments = [(u32::MAX - 99, 100), (0, 50), (0, 50), (100, 50), (50, 50), (200, 10)];
    let total: u32 = segments.into_iter().map(|(seq, len)| bench.segment(0, seq, len)).sum();
    assert_eq!(total, 310);
    assert_eq!(bench.end(), [310, 50, 50, 0], "what came again at the same moment may be a copy");
}

#[test]
fn a_jump_is_followed_only_when_it_goes_on() {
    let mut d = Bench::default();
    d.segment(0, 0, 100);
    assert_eq!(d.segment(0, 15 << 20, 0), 0, "nothing was sent");
    assert_eq!(d.segment(0, 1 << 30, 10), 10);
    assert_eq!(d.segment(0, 100, 50), 50, "the stream goes on where it was");
    assert_eq!(d.segment(0, (1 << 30) + 10, 10), 10);
    assert_eq!(d.segment(0, (1 << 30) + 20, 10), 10, "now it is there");
    assert_eq!(d.segment(0, 150, 50), 0);
}

#[test]
fn a_jump_is_no_loss() {
    let mut bench = Bench::default();
    bench.all(&[(0, 0, 100), (1, 1 << 30, 10), (2, (1 << 30) + 10, 10), (3, (1 << 30) + 20, 10)]);
    assert_eq!(bench.end(), [130, 0, 0, 0]);
    let mut open = Bench::default();
    open.all(&[(0, 0, 100), (1, 200, 100), (2, 1 << 30, 10), (3, (1 << 30) + 10, 10), (4, (1 << 30) + 20, 10)]);
    assert_eq!(open.end(), [330, 100, 0, 0], "what was left out before it is");
}

#[test]
fn closing_adds_no_byte() {
    let mut d = Bench::default();
    assert_eq!(
        [d.segment(0, 1, 0), d.segment(1, 1, 100), d.flagged(2, 101, 0, 0x11), d.segment(3, 102, 0)],
        [0, 100, 0, 0]
    );
    assert_eq!(d.end(), [100, 0, 0, 0]);
}

#[test]
fn a_flow_picked_up_in_the_middle_begins_at_its_first_segment() {
    let mut bench = Bench::default();
    bench.all(&[(0, 5_000_000, 100), (1, 5_000_100, 100)]);
    assert_eq!(bench.end(), [200, 0, 0, 0]);
}

#[test]
fn neighbours_that_change_places_are_out_of_order() {
    let mut bench = Bench::default();
    bench.all(&[(0, 0, 100), (10, 200, 100), (20, 100, 100), (30, 300, 100)]);
    assert_eq!(bench.end(), [400, 0, 100, 0]);
}

#[test]
fn what_is_lost_before_the_mirror_is_sent_again() {
    let mut bench = Bench::default();
    bench.all(&[(0, 0, 100), (1, 200, 100), (300 * MS, 100, 100), (301 * MS, 300, 100)]);
    assert_eq!(bench.end(), [400, 0, 0, 100]);
}

#[test]
fn what_comes_again_is_no_loss_and_a_copy_is_nothing() {
    let mut bench = Bench::default();
    // Two copies, one of them behind two further segments; a retransmission of the last and of an earlier segment; a
    // keep-alive.
    bench.all(&[(0, 0, 100), (1, 0, 100), (2, 100, 100), (3, 200, 100), (4, 100, 100)]);
    bench.all(&[(30 * MS, 200, 100), (300 * MS, 300, 100), (330 * MS, 0, 200), (60_000 * MS, 399, 1)]);
    assert_eq!(bench.end(), [400, 0, 0, 300]);
}

#[test]
fn a_segment_that_overlaps_counts_what_is_new() {
    let mut bench = Bench::default();
    assert_eq!(bench.all(&[(0, 0, 100), (300 * MS, 50, 100)]), 150);
    assert_eq!(bench.end(), [150, 0, 0, 50]);
}

#[test]
fn what_the_receiver_never_got_is_no_loss_of_the_mirror() {
    let mut bench = Bench::default();
    bench.all(&[(0, 0, 100), (1, 200, 100)]);
    bench.side.acknowledged(|| Some(100), 50 * MS);
    bench.segment(60 * MS, 300, 100);
    bench.side.acknowledged(|| Some(100), 110 * MS);
    assert_eq!(bench.end(), [400, 0, 0, 0]);
}

#[test]
fn what_the_receiver_acknowledges_and_the_sensor_never_saw_is() {
    let mut bench = Bench::default();
    bench.all(&[(0, 0, 100), (1, 200, 100)]);
    bench.side.acknowledged(|| Some(300), 50 * MS);
    bench.segment(200 * MS, 300, 100);
    assert!(bench.side.holes.is_none(), "memory goes with the last hole");
    assert_eq!(bench.sums, TcpBytes { bytes: 400, missing: 100, ..TcpBytes::default() });
}

#[test]
fn the_end_of_a_stream_is_shown_by_what_carries_nothing() {
    for (flags, seq, missing) in [
        (0x11, 1_400, 1_300),
        (ACK, 1_400, 1_300),
        // Of a FIN that was lost, a reset, and another connection.
        (ACK, 101, 0),
        (0x14, 1_400, 0),
        (ACK, 1 << 30, 0),
        // A keep-alive without its byte.
        (ACK, 99, 0),
    ] {
        let mut bench = Bench::default();
        bench.segment(0, 0, 100);
        assert_eq!(bench.flagged(50 * MS, seq, 0, flags), 0);
        assert_eq!(bench.end(), [100 + missing, missing, 0, 0], "{flags:#x} {seq}");
    }
}

#[test]
fn what_was_shown_and_comes_is_not_counted_twice() {
    let mut bench = Bench::default();
    bench.all(&[(0, 0, 100), (1, 300, 0), (2, 100, 100), (3, 200, 100), (4, 300, 100)]);
    assert!(bench.side.holes.is_none());
    assert_eq!(bench.end(), [400, 0, 0, 0]);
}

/// Whatever is sent: no panic, and never more missing than was sent.
#[test]
fn sums_stay_within_each_other() {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: u32| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 32) as u32 % below
    };
    for round in 0..200 {
        let mut bench = Bench::default();
        let (mut at, mut time) = (next(u32::MAX), next(u32::MAX));
        for _ in 0..500 {
            time = time.wrapping_add(next(200 * MS)).wrapping_sub(next(20 * MS));
            let seq = match next(12) {
                0 => next(u32::MAX),
                1 | 2 => at.wrapping_sub(next(MAX_GAP)),
                3 => at.wrapping_add(next(MAX_GAP + 2)),
                4 | 5 => at.wrapping_add(next(5_000)),
                _ => at,
            };
            let len = [0, 1, 1_460, next(65_536)][next(4) as usize];
            bench.flagged(time, seq, len, [ACK, ACK, ACK, 0x11, 0x14, 0x02][next(6) as usize]);
            if next(3) == 0 {
                bench.side.acknowledged(|| Some(at.wrapping_sub(next(10_000))), time);
            }
            at = bench.side.next_seq.unwrap();
        }
        let [bytes, missing, reordered, resent] = bench.end();
        assert!(missing <= bytes, "round {round}: {missing} of {bytes}");
        assert!(reordered + resent <= 500 * 65_536, "round {round}: more came late than came");
    }
}
