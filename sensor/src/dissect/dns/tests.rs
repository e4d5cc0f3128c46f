//! Messages as they come: whole, cut, lying, and unusual ones.

use super::*;

/// Query for `claude.ai` AAAA and its answer with a compressed owner name.
fn response() -> Vec<u8> {
    let mut m = vec![0x12, 0x34, 0x81, 0x80, 0, 1, 0, 2, 0, 0, 0, 0];
    m.extend(b"\x06CLaude\x02ai\x00\x00\x1c\x00\x01");
    m.extend(b"\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x02\xc0\x0c");
    m.extend(b"\xc0\x0c\x00\x1c\x00\x01\x00\x00\x00\x3c\x00\x10");
    m.extend("2001:db8::1".parse::<Ipv6Addr>().unwrap().octets());
    m
}

/// A message with these flags and counts.
fn of(flags: [u8; 2], counts: [u8; 4], body: &[u8]) -> Vec<u8> {
    let [questions, answers, authority, additional] = counts;
    [&[0, 7, flags[0], flags[1], 0, questions, 0, answers, 0, authority, 0, additional][..], body].concat()
}

fn done(bytes: &[u8]) -> Message {
    match message(bytes) {
        Parse::Done(message) => message,
        other => panic!("{other:?}"),
    }
}

fn names(bytes: &[u8]) -> Vec<(String, u16)> {
    done(bytes).questions.into_iter().map(|asked| (asked.name, asked.qtype)).collect()
}

const A: &[u8] = b"\x01a\x07example\0\0\x01\0\x01";
const ANSWER: &[u8] = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01";

#[test]
fn question_and_addresses() {
    let m = done(&response());
    assert_eq!((m.id, m.response, m.rcode, m.partial), (0x1234, true, 0, false));
    assert_eq!(m.questions, [Question { name: "claude.ai".into(), qtype: 28 }]);
    assert_eq!(m.addresses, [Address { ip: "2001:db8::1".parse().unwrap(), ttl: 60 }]);
}

#[test]
fn the_type_of_the_first_question_is_told_without_the_rest() {
    let whole = response();
    assert!(asks_for(&whole, 28) && !asks_for(&whole, 65));
    assert!((0..whole.len()).all(|end| asks_for(&whole[..end], 28) == (end >= 25)), "as soon as it is there");
}

#[test]
fn a_cut_answer_keeps_the_question() {
    let whole = response();
    for end in 0..whole.len() {
        match message(&whole[..end]) {
            Parse::Done(m) => assert!(end >= 27 && m.questions.len() == 1 && m.partial, "{end}"),
            Parse::NotMine => assert!(end < 12, "{end}"),
            other => assert!(end < 27 && other == Parse::Malformed, "{end}"),
        }
    }
}

#[test]
fn a_pointer_loop_ends() {
    assert_eq!(message(&of([1, 0], [1, 0, 0, 0], b"\xc0\x0c\x00\x01\x00\x01")), Parse::Malformed);
}

#[test]
fn counts_that_lie_lose_no_question() {
    for counts in [[255, 0, 0, 0], [1, 255, 255, 255], [1, 0, 0, 9]] {
        let m = done(&of([0x81, 0x80], counts, A));
        assert_eq!(m.questions, [Question { name: "a.example".into(), qtype: 1 }], "{counts:?}");
    }
    assert!(done(&of([0x81, 0x80], [1, 9, 0, 0], A)).partial);
}

#[test]
fn several_questions_are_all_read() {
    let two = [A, b"\xc0\x0c\0\x1c\0\x01"].concat();
    assert_eq!(names(&of([1, 0], [2, 0, 0, 0], &two)), [("a.example".into(), 1), ("a.example".into(), 28)]);
    let many = done(&of([1, 0], [255, 0, 0, 0], &A.repeat(255)));
    assert_eq!(many.questions.len(), usize::from(MAX_QUESTIONS));
}

#[test]
fn any_type_and_class_that_is_asked_for() {
    let asked = |name: &[u8], qtype: u16, class: u16| {
        of([1, 0], [1, 0, 0, 0], &[name, &qtype.to_be_bytes(), &class.to_be_bytes()].concat())
    };
    for qtype in [1, 252, 255, 65_535] {
        assert_eq!(names(&asked(b"\x01a\0", qtype, 1)), [("a".into(), qtype)]);
    }
    assert_eq!(names(&asked(b"\0", 2, 1)), [(".".into(), 2)], "the root");
    assert_eq!(names(&asked(b"\x07version\x04bind\0", 16, 3)), [("version.bind".into(), 16)]);
    assert_eq!(names(&asked(b"\x01a\0", 1, 0x8001)), [("a".into(), 1)], "the top bit of mDNS");
    // Whatever stands there: a message that is whole is believed, another one is not.
    assert_eq!(names(&asked(b"\x01a\0", 0, 77)), [("a".into(), 0)]);
    assert_eq!(message(&[asked(b"\x01a\0", 0, 77), vec![1]].concat()), Parse::Malformed);
}

#[test]
fn bytes_behind_the_message_and_cut_answers() {
    let trailing = [&of([0x81, 0x80], [1, 1, 0, 0], &[A, ANSWER].concat())[..], b"padding"].concat();
    assert_eq!(done(&trailing).addresses.len(), 1);
    let truncated = done(&of([0x83, 0x80], [1, 0, 0, 0], A));
    assert!(truncated.partial && truncated.questions.len() == 1);
}

#[test]
fn an_answer_of_a_wrong_length_does_not_lose_the_others() {
    let wrong = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x03\xc0\0\x02";
    let m = done(&of(
        [0x81, 0x80],
        [1, 3, 0, 0],
        &[A, wrong, ANSWER, b"\xc0\x0c\0\x41\0\x01\0\0\0\x3c\0\x01\xff"].concat(),
    ));
    assert_eq!((m.addresses.len(), m.partial), (1, false));
}

#[test]
fn names_of_answers_may_point_into_any_section() {
    // The owner of the answer is a pointer to the name of the additional record behind it.
    let at = 12 + A.len() as u8 + 16;
    let answer = [&[0xc0, at][..], &ANSWER[2..]].concat();
    let m = done(&of([0x81, 0x80], [1, 1, 0, 1], &[A, &answer, b"\x01b\0\0\x10\0\x01\0\0\0\0\0\0"].concat()));
    assert_eq!((m.addresses.len(), m.partial), (1, false));
}

#[test]
fn what_asks_for_nothing_has_no_names() {
    let update = done(&of([0x28, 0], [1, 0, 1, 0], &[A, b"\xc0\x0c\0\x01\0\x01\0\0\0\0\0\0"].concat()));
    assert!(update.questions.is_empty());
    assert!(
        done(&of([0x84, 0], [0, 1, 0, 0], &[&[0], &ANSWER[2..]].concat())).questions.is_empty(),
        "goes on with a zone"
    );
    assert_eq!(message(&of([0x28, 0], [1, 0, 9, 0], A)), Parse::NotMine, "no room for what it claims");
    assert_eq!(message(&of([0x70, 0], [1, 0, 0, 0], A)), Parse::NotMine, "no such opcode");
    // WireGuard on port 53: type 4, receiver, counter, content.
    let wireguard = [&[4, 0, 0, 0, 0x11, 0x52, 0x93, 0x14, 5, 0, 0, 0, 0, 0, 0, 0][..], &[0x5a; 32]].concat();
    assert_eq!(message(&wireguard), Parse::Malformed);
}

#[test]
fn a_stream_is_cut_by_its_lengths() {
    let mut stream = (response().len() as u16).to_be_bytes().to_vec();
    stream.extend(response());
    for end in 0..stream.len() {
        assert_eq!(framed(&stream[..end]), Parse::More);
    }
    assert!(matches!(framed(&stream), Parse::Done((Some(_), used)) if used == stream.len()));
    let broken = b"\0\x0d\0\0\0\0\0\x01\0\0\0\0\0\0\x05more";
    assert!(matches!(framed(broken), Parse::Done((None, 15))), "the stream goes on behind a broken message");
}

#[test]
fn an_answer_without_end_is_bounded() {
    let m = done(&of([0x81, 0x80], [1, 255, 0, 0], &[A, &ANSWER.repeat(255)].concat()));
    assert_eq!(m.addresses.len(), usize::from(MAX_ANSWERS));
    let hints: Vec<u8> = [&[0, 1, 0, 0, 4, 0, 64][..], &[7; 64]].concat();
    let record = [b"\xc0\x0c\0\x41\0\x01\0\0\0\x3c\0\x47".to_vec(), hints].concat();
    let m = done(&of([0x81, 0x80], [1, 100, 0, 0], &[A, &record.repeat(100)].concat()));
    assert_eq!(m.addresses.len(), MAX_ADDRESSES);
}
