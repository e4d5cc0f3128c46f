//! System calls: a filter in the kernel, which nobody can take off again.
//!
//! A refused call answers EPERM, it does not kill: a library that tries something new after an update then says so and
//! goes on with what it has, and a sensor that lives and complains sees more than one that dies at each start. Whoever
//! breaks into the process gains nothing by the answer.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter,
};

use super::State;
use super::calls::{CAPTURE, ELSEWHERE, FILES, MEMORY, THREADS};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Allows what reading packets and writing the spool takes, and nothing that makes a socket or starts a program.
pub(super) fn allow_sensing() -> State {
    // glibc then makes threads by `clone`, whose flags can be seen; those of `clone3` lie in memory.
    let blind = filter(plain(&[libc::SYS_clone3]), SeccompAction::Allow, SeccompAction::Errno(libc::ENOSYS as u32));
    let rules = sensing().and_then(|rules| filter(rules, SeccompAction::Errno(REFUSED), SeccompAction::Allow));
    state(blind.and_then(|blind| apply(&blind)).and_then(|()| apply(&rules?)))
}

/// Refuses what leads to packets, to other programs and into other processes, and allows the rest: a resolver, TLS and
/// two databases are at work.
pub(super) fn refuse_packets() -> State {
    let rules = refused();
    let program = rules.and_then(|rules| filter(rules, SeccompAction::Allow, SeccompAction::Errno(REFUSED)));
    state(program.and_then(|program| apply(&program)))
}

/// What a refused call answers.
const REFUSED: u32 = libc::EPERM as u32;

type Answer<T> = Result<T, String>;

fn state(applied: Answer<()>) -> State {
    applied.map_or_else(State::Missing, |()| State::Held)
}

fn filter(rules: Rules, otherwise: SeccompAction, matched: SeccompAction) -> Answer<BpfProgram> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(|e| e.to_string())?;
    let filter = SeccompFilter::new(rules, otherwise, matched, arch).map_err(|e| e.to_string())?;
    BpfProgram::try_from(filter).map_err(|e| e.to_string())
}

fn apply(program: &BpfProgram) -> Answer<()> {
    apply_filter(program).map_err(|e| format!("the kernel refuses the filter: {e}"))
}

/// Calls whatever their arguments.
fn plain(calls: &[c_long]) -> Rules {
    calls.iter().map(|&call| (call, Vec::new())).collect()
}

/// A rule about one argument.
fn only(condition: Answer<SeccompCondition>) -> Answer<SeccompRule> {
    SeccompRule::new(vec![condition?]).map_err(|e| e.to_string())
}

/// An argument, counted from 0, has this value.
fn equal(number: u8, value: i32) -> Answer<SeccompCondition> {
    condition(number, SeccompCmpOp::Eq, value)
}

/// Of these bits of an argument exactly those of `value` are set.
fn bits(number: u8, mask: i32, value: i32) -> Answer<SeccompCondition> {
    condition(number, SeccompCmpOp::MaskedEq(mask as u32 as u64), value)
}

fn condition(number: u8, operator: SeccompCmpOp, value: i32) -> Answer<SeccompCondition> {
    SeccompCondition::new(number, SeccompCmpArgLen::Dword, operator, value as u32 as u64).map_err(|e| e.to_string())
}

fn sensing() -> Answer<Rules> {
    let mut rules = plain(FILES);
    rules.extend(plain(MEMORY));
    rules.extend(plain(THREADS));
    rules.extend(plain(CAPTURE));
    #[cfg(target_arch = "x86_64")]
    rules.extend(plain(super::calls::OLD));
    // What is data becomes no program.
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        rules.insert(call, vec![only(bits(2, libc::PROT_EXEC, 0))?]);
    }
    // A thread: no process, and no namespace of its own, in which it would have capabilities.
    let apart = libc::CLONE_NEWUSER | libc::CLONE_NEWNET | libc::CLONE_NEWNS | libc::CLONE_NEWPID;
    rules.insert(libc::SYS_clone, vec![only(bits(0, libc::CLONE_THREAD | apart, libc::CLONE_THREAD))?]);
    // A thread's name, the end of a panic, how large a stack may be: for this process alone.
    let own = i32::try_from(std::process::id()).map_err(|e| e.to_string())?;
    rules.insert(libc::SYS_prctl, vec![only(equal(0, libc::PR_SET_NAME))?]);
    rules.insert(libc::SYS_tgkill, vec![only(equal(0, own))?]);
    rules.insert(libc::SYS_prlimit64, vec![only(equal(0, 0))?]);
    // libpcap asks whether a silent interface is up; whoever writes to a terminal asks what it is.
    let questions = [libc::SIOCGIFFLAGS as i32, libc::TCGETS as i32, libc::TIOCGWINSZ as i32];
    let questions: Answer<Vec<_>> = questions.into_iter().map(|question| only(equal(1, question))).collect();
    rules.insert(libc::SYS_ioctl, questions?);
    Ok(rules)
}

fn refused() -> Answer<Rules> {
    let mut rules = plain(ELSEWHERE);
    let mut sockets = vec![vec![equal(0, libc::AF_PACKET)?], vec![bits(1, KIND, OLD_PACKET)?]];
    for family in [libc::AF_INET, libc::AF_INET6] {
        sockets.push(vec![equal(0, family)?, bits(1, KIND, libc::SOCK_RAW)?]);
    }
    let sockets: Answer<Vec<_>> =
        sockets.into_iter().map(|all| SeccompRule::new(all).map_err(|e| e.to_string())).collect();
    rules.insert(libc::SYS_socket, sockets?);
    Ok(rules)
}

/// Packets as of Linux 2.0, `SOCK_PACKET`.
const OLD_PACKET: i32 = 10;
/// The bits of a socket's type; the others are flags.
const KIND: i32 = 0xf;
