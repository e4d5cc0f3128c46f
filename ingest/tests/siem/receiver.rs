//! Real receivers on loopback, each in a folder of its own, which write what they get into a file.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use ingest::siem::{Format, SinkTarget, SyslogTarget, SyslogTransport, To};
use ingest::tls::TlsFiles;

use crate::wait_for;

/// Which program receives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Program {
    Rsyslog,
    SyslogNg,
}

/// How it receives. The TLS ways name the receiver's certificate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Way {
    Udp,
    Tcp,
    Tls(&'static str),
    /// The same, and the client has to show a certificate of our CA.
    Both(&'static str),
}

/// A running receiver, killed when it goes out of scope.
pub(crate) struct Receiver {
    child: Child,
    out: PathBuf,
}

/// A line that a receiver wrote: what it understood of the header, and the text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub(crate) priority: String,
    pub(crate) host: String,
    pub(crate) app: String,
    pub(crate) msgid: String,
    pub(crate) text: String,
}

impl Receiver {
    /// None when the program is not to be had; a failure instead where it has to be.
    pub(crate) fn start(program: Program, way: Way, dir: &Path, port: u16) -> Option<Self> {
        let config = match program {
            Program::Rsyslog => rsyslog_config(way, dir, port),
            Program::SyslogNg => syslog_ng_config(way, dir, port),
        };
        Self::configured(program, way, dir, port, &config)
    }

    /// The same with a configuration of the caller's, which writes to `out.log` in the folder.
    pub(crate) fn configured(program: Program, way: Way, dir: &Path, port: u16, config: &str) -> Option<Self> {
        let path = dir.join("receiver.conf");
        fs::write(&path, config).unwrap();
        let mut command = match program {
            Program::Rsyslog => rsyslogd(way, dir, &path),
            Program::SyslogNg => syslog_ng(dir, &path),
        }
        .or_else(|| skip(program, way))?;
        let said = fs::File::create(dir.join("said.log")).unwrap();
        let child = command.stdout(Stdio::null()).stderr(said).spawn().unwrap();
        let mut receiver = Self { child, out: dir.join("out.log") };
        wait_for(&format!("{program:?} to listen"), || {
            assert!(
                receiver.child.try_wait().unwrap().is_none(),
                "{}",
                fs::read_to_string(dir.join("said.log")).unwrap()
            );
            is_listening(way, port).then_some(())
        });
        Some(receiver)
    }

    /// What it wrote, as soon as there are so many lines.
    pub(crate) fn lines(&self, count: usize) -> Vec<Line> {
        wait_for(&format!("{count} events in the file"), || {
            let lines = self.so_far();
            (lines.len() >= count).then_some(lines)
        })
    }

    /// What it has written so far.
    pub(crate) fn so_far(&self) -> Vec<Line> {
        self.text().lines().map(Line::parse).collect()
    }

    /// The whole lines of its file.
    pub(crate) fn text(&self) -> String {
        let mut text = fs::read_to_string(&self.out).unwrap_or_default();
        text.truncate(text.rfind('\n').unwrap_or(0));
        text
    }

    /// Stops it where it stands: connections stay, nothing is read any more.
    pub(crate) fn freeze(&self) {
        let stopped = Command::new("kill").args(["-STOP", &self.child.id().to_string()]).status().unwrap();
        assert!(stopped.success());
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Line {
    fn parse(line: &str) -> Self {
        let mut parts = line.splitn(5, ' ').map(str::to_owned);
        let mut part = || parts.next().unwrap_or_default();
        let [priority, host, app, msgid, text] = [part(), part(), part(), part(), part()];
        Self { priority, host, app, msgid, text: text.trim_start().to_owned() }
    }
}

impl Way {
    /// The sink's side, at the receiver's address.
    pub(crate) fn target(self, format: Format, port: u16) -> SinkTarget {
        let transport = match self {
            Self::Udp => SyslogTransport::Udp,
            Self::Tcp => SyslogTransport::Tcp,
            Self::Tls(_) => tls(Some("ca"), None),
            Self::Both(_) => tls(Some("ca"), Some("client")),
        };
        target(transport, format, &format!("127.0.0.1:{port}"))
    }
}

/// A sink called `siem`.
pub(crate) fn target(transport: SyslogTransport, format: Format, address: &str) -> SinkTarget {
    let to = To::Syslog(SyslogTarget { address: address.to_owned(), transport });
    SinkTarget { name: "siem".to_owned(), format, activity: false, to }
}

/// TLS with files by their names.
pub(crate) fn tls(ca: Option<&str>, client: Option<&str>) -> SyslogTransport {
    let client = client.map(|name| (pem(&format!("{name}.pem")), pem(&format!("{name}.key"))));
    let files = TlsFiles { ca: ca.map(|name| pem(&format!("{name}.pem"))), client };
    SyslogTransport::Tls { files, server_name: None }
}

/// A file of the folder `tls`.
pub(crate) fn pem(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/siem/tls").join(name)
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Where `fetch.sh` put its programs.
fn fetched(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("SHADOWTAP_TEST_SYSLOG").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("../syslog-receivers"));
    Some(folder.join(name)).filter(|path| path.exists())
}

fn skip<T>(program: Program, way: Way) -> Option<T> {
    let mend = match (program, way) {
        (Program::Rsyslog, Way::Udp | Way::Tcp) => "apt-get install rsyslog",
        _ => "apt-get install rsyslog, then ingest/tests/siem/fetch.sh",
    };
    let why = format!("{program:?} for {way:?} is not there: {mend}");
    assert!(std::env::var("SHADOWTAP_CI").as_deref() != Ok("1"), "{why}");
    println!("skipped: {why}");
    None
}

fn is_listening(way: Way, port: u16) -> bool {
    if way == Way::Udp {
        let sockets = fs::read_to_string("/proc/net/udp").unwrap();
        return sockets.contains(&format!(":{port:04X} "));
    }
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

fn rsyslogd(way: Way, dir: &Path, config: &Path) -> Option<Command> {
    let programs = ["/usr/sbin/rsyslogd", "/usr/bin/rsyslogd", "/sbin/rsyslogd"];
    let mut command = Command::new(programs.into_iter().find(|path| Path::new(path).exists())?);
    if matches!(way, Way::Tls(_) | Way::Both(_)) {
        let folders = fs::read_dir("/usr/lib").unwrap().flatten().map(|entry| entry.path().join("rsyslog"));
        let folders = folders.chain([PathBuf::from("/usr/lib/rsyslog"), PathBuf::from("/usr/lib64/rsyslog")]);
        let own = folders.into_iter().find(|folder| folder.join("imtcp.so").exists())?;
        if !own.join("lmnsd_ossl.so").exists() {
            command.arg("-M").arg(format!("{}:{}", own.display(), fetched("modules")?.display()));
        }
    }
    command.arg("-n").arg("-f").arg(config).arg("-i").arg(dir.join("pid"));
    Some(command)
}

/// Its configuration on loopback, which writes what [`Line`] reads.
pub(crate) fn rsyslog_config(way: Way, dir: &Path, port: u16) -> String {
    let module = if way == Way::Udp { "imudp" } else { "imtcp" };
    let (mut global, mut driver) = (String::new(), String::new());
    if let Way::Tls(certificate) | Way::Both(certificate) = way {
        let mode = if matches!(way, Way::Both(_)) { "x509/certvalid" } else { "anon" };
        driver = format!(" StreamDriver.Name=\"ossl\" StreamDriver.Mode=\"1\" StreamDriver.AuthMode=\"{mode}\"");
        let file = |key: &str, name: &str| format!(" defaultNetstreamDriver{key}File=\"{}\"", pem(name).display());
        global = file("CA", "ca.pem")
            + &file("Cert", &format!("{certificate}.pem"))
            + &file("Key", &format!("{certificate}.key"));
    }
    format!(
        "global(workDirectory=\"{dir}\" maxMessageSize=\"64k\"{global})\nmodule(load=\"{module}\"{driver})\n\
         template(name=\"line\" type=\"string\" string=\"%pri% %hostname% %app-name% %msgid% %msg%\\n\")\n\
         input(type=\"{module}\" address=\"127.0.0.1\" port=\"{port}\" ruleset=\"events\")\n\
         ruleset(name=\"events\") {{ action(type=\"omfile\" file=\"{dir}/out.log\" template=\"line\") }}\n",
        dir = dir.display(),
    )
}

fn syslog_ng(dir: &Path, config: &Path) -> Option<Command> {
    let mut command = Command::new(fetched("syslog-ng")?);
    command.args(["--foreground", "--stderr", "--no-caps"]).arg("--cfgfile").arg(config);
    for (option, name) in [("--persist-file", "persist"), ("--control", "ctl"), ("--pidfile", "pid")] {
        command.arg(option).arg(dir.join(name));
    }
    Some(command)
}

fn syslog_ng_config(way: Way, dir: &Path, port: u16) -> String {
    let transport = match way {
        Way::Udp => "transport(\"udp\")".to_owned(),
        Way::Tcp => "transport(\"tcp\")".to_owned(),
        Way::Tls(certificate) | Way::Both(certificate) => format!(
            "transport(\"tls\") tls(key-file(\"{}\") cert-file(\"{}\") ca-file(\"{}\") peer-verify({}))",
            pem(&format!("{certificate}.key")).display(),
            pem(&format!("{certificate}.pem")).display(),
            pem("ca.pem").display(),
            if matches!(way, Way::Both(_)) { "required-trusted" } else { "optional-untrusted" },
        ),
    };
    format!(
        "@version: 3.35\noptions {{ keep-hostname(yes); use-dns(no); stats-freq(0); }};\n\
         source events {{ syslog(ip(\"127.0.0.1\") port({port}) {transport} log-msg-size(65536)); }};\n\
         destination file {{ file(\"{}/out.log\" template(\"${{PRI}} ${{HOST}} ${{PROGRAM}} ${{MSGID}} ${{MSG}}\\n\")); }};\n\
         log {{ source(events); destination(file); flags(flow-control); }};\n",
        dir.display()
    )
}
