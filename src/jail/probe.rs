//! `--probe-jail`: tries from inside what the jail has to refuse, and says what each attempt gave. An attempt that
//! succeeds, in a jail that does not hold, leaves nothing changed.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::thread;

use rustix::fs::fcntl_get_seals;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType, socket};

use super::Jail;
use crate::exit::{Done, Outcome};
use crate::terminal::Output;

/// Prints the jail, then a line for each attempt: `WHAT: done`, or the system's word. `dir` is the data directory.
pub(crate) fn probe(jail: &Jail, dir: &Path) -> Outcome {
    let mut out = Output::new();
    out.write(jail.to_string().as_bytes())?;
    for (what, attempt) in attempts(dir) {
        let gave = attempt.map_or_else(|e| e.to_string(), |()| "done".to_owned());
        out.line(format!("{what}: {gave}"))?;
    }
    out.finish()?;
    Ok(Done::Clean)
}

fn attempts(dir: &Path) -> Vec<(&'static str, io::Result<()>)> {
    let raw = |family, kind| socket(family, kind, None).map(drop).map_err(io::Error::from);
    let mine = dir.join("spool/open/probe");
    vec![
        ("udp", UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map(drop)),
        ("tcp listen", TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map(drop)),
        ("tcp connect", tcp()),
        ("unix", UnixDatagram::unbound().map(drop)),
        ("netlink", raw(AddressFamily::NETLINK, SocketType::RAW)),
        ("packet", raw(AddressFamily::PACKET, SocketType::RAW)),
        ("packet datagram", raw(AddressFamily::PACKET, SocketType::DGRAM)),
        ("raw ip", raw(AddressFamily::INET, SocketType::RAW)),
        ("exec", exec()),
        ("start", Command::new("/bin/true").status().map(drop)),
        ("read /etc/passwd", fs::read("/etc/passwd").map(drop)),
        ("read /proc/self/maps", fs::read("/proc/self/maps").map(drop)),
        ("list /", fs::read_dir("/").map(drop)),
        ("read the store", fs::read(dir.join("shadowtap.db")).map(drop)),
        ("write the data directory", scratch(dir)),
        ("write /tmp", scratch(&std::env::temp_dir())),
        ("open the store for writing", OpenOptions::new().write(true).open(dir.join("shadowtap.db")).map(drop)),
        ("write the spool", fs::write(&mine, "x")),
        ("link in the spool", fs::hard_link(&mine, dir.join("spool/store/probe"))),
        ("sync the spool", File::open(&mine).and_then(|file| file.sync_all())),
        ("clean the spool", fs::remove_file(&mine).and_then(|()| fs::remove_file(dir.join("spool/store/probe")))),
        ("more of a descriptor", by_descriptor(dir)),
        ("thread", thread::Builder::new().name("probe".to_owned()).spawn(|| ()).map(drop)),
        ("socket in a thread", in_a_thread()),
    ]
}

/// A program that is not there: that it is missing is told by who would have started it.
fn exec() -> io::Result<()> {
    match Command::new("/no/such/program").exec() {
        e if e.kind() == io::ErrorKind::NotFound => Ok(()),
        e => Err(e),
    }
}

/// A file of no other's name, gone again.
fn scratch(dir: &Path) -> io::Result<()> {
    let path = dir.join(format!("shadowtap-probe.{}", std::process::id()));
    File::create_new(&path)?;
    fs::remove_file(path)
}

/// A connection to nobody: refused by the other side is a socket that was made.
fn tcp() -> io::Result<()> {
    match TcpStream::connect((Ipv4Addr::LOCALHOST, 9)) {
        Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        other => other.map(drop),
    }
}

/// Of what `fcntl` tells and does beside flags and locks, one that needs no second process: a file's seals. That this file has none
/// is told by who would know them.
fn by_descriptor(dir: &Path) -> io::Result<()> {
    match fcntl_get_seals(File::open(dir.join("spool"))?) {
        Err(Errno::INVAL) => Ok(()),
        other => other.map(drop).map_err(io::Error::from),
    }
}

fn in_a_thread() -> io::Result<()> {
    let tried = thread::spawn(|| UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map(drop));
    tried.join().unwrap_or_else(|_| Err(io::Error::other("the thread panicked")))
}
