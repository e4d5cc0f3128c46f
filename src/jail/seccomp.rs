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

#[cfg(target_arch = "x86_64")]
use seccompiler::sock_filter;

use super::State;
use super::calls::{CAPTURE, ELSEWHERE, FCNTL, FILES, MEMORY, THREADS};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Allows what reading packets and writing the spool takes, and nothing that makes a socket or starts a program.
pub(super) fn allow_sensing() -> State {
    let rules = sensing().and_then(|rules| filter(rules, SeccompAction::Errno(REFUSED), SeccompAction::Allow));
    state(blind().and_then(|()| apply(&rules?)))
}

/// Refuses what leads to packets, to other programs and into other processes, and allows the rest: a resolver, TLS and
/// two databases are at work.
pub(super) fn refuse_packets() -> State {
    let rules = refused();
    let program = rules.and_then(|rules| filter(rules, SeccompAction::Allow, SeccompAction::Errno(REFUSED)));
    state(blind().and_then(|()| apply(&program?)))
}

/// Takes away what the filters cannot see into. glibc then makes threads by `clone`, whose flags can be seen; those of
/// `clone3` lie in memory.
fn blind() -> Answer<()> {
    #[cfg(target_arch = "x86_64")]
    apply(&second_table())?;
    let answer = SeccompAction::Errno(libc::ENOSYS as u32);
    apply(&filter(plain(&[libc::SYS_clone3]), SeccompAction::Allow, answer)?)
}

/// Some kernels know each call by a second number as well, that of x32, and tell a filter the same architecture: what is
/// refused by its first number would be had by the second.
#[cfg(target_arch = "x86_64")]
fn second_table() -> BpfProgram {
    const X32: u32 = 0x4000_0000;
    let step = |code: u32, jf, k| sock_filter { code: code as u16, jt: 0, jf, k };
    vec![
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0),
        step(libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K, 1, X32),
        step(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32),
        step(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ALLOW),
    ]
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

/// An argument has one of these values.
fn any(number: u8, values: &[i32]) -> Answer<Vec<SeccompRule>> {
    values.iter().map(|&value| only(equal(number, value))).collect()
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
    let apart = APART.iter().fold(0, |all, flag| all | flag);
    rules.insert(libc::SYS_clone, vec![only(bits(0, libc::CLONE_THREAD | apart, libc::CLONE_THREAD))?]);
    // A thread's name, the end of a panic, how large a stack may be: for this process alone.
    let own = i32::try_from(std::process::id()).map_err(|e| e.to_string())?;
    rules.insert(libc::SYS_prctl, vec![only(equal(0, libc::PR_SET_NAME))?]);
    rules.insert(libc::SYS_tgkill, vec![only(equal(0, own))?]);
    rules.insert(libc::SYS_prlimit64, vec![only(equal(0, 0))?]);
    // libpcap asks whether a silent interface is up; whoever writes to a terminal asks what it is.
    let questions = [libc::SIOCGIFFLAGS as i32, libc::TCGETS as i32, libc::TIOCGWINSZ as i32];
    rules.insert(libc::SYS_ioctl, any(1, &questions)?);
    rules.insert(libc::SYS_fcntl, any(1, FCNTL)?);
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
    let apart: Answer<Vec<_>> = APART.iter().map(|&flag| only(bits(0, flag, flag))).collect();
    rules.insert(libc::SYS_clone, apart?);
    Ok(rules)
}

/// Namespaces of its own, in which a process would have every capability.
const APART: [i32; 7] = [
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
];

/// Packets as of Linux 2.0, `SOCK_PACKET`.
const OLD_PACKET: i32 = 10;
/// The bits of a socket's type; the others are flags.
const KIND: i32 = 0xf;
