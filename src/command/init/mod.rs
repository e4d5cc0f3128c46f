//! `shadowtap init`: five questions, and a configuration out of the answers.
//!
//! | file | noun |
//! |---|---|
//! | `answers` | what was asked and answered, by options, on the terminal or by default |
//! | `words` | what an answer may be |
//! | `found` | the interfaces of this machine |
//! | `written` | the configuration as a text |

mod answers;
mod found;
mod words;
mod written;

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ipnet::IpNet;

use self::answers::Answers;
use self::words::Receiver;
use crate::config;
use crate::exit::{Done, Failure, Outcome};
use crate::terminal::Output;

/// Arguments of `init`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sudo shadowtap init                                 asks, and writes /etc/shadowtap/shadowtap.toml
  shadowtap init --yes --out shadowtap.toml           asks nothing: defaults
  sudo shadowtap init --yes --site hq --time-zone Europe/Berlin --interface eth1 \\
       --local-nets 10.0.0.0/8,2001:db8::/32 --syslog tls://siem.example:6514

What an option answers is not asked. Without a terminal each question needs its option, or --yes.")]
pub(crate) struct Args {
    /// File to write [default: /etc/shadowtap/shadowtap.toml as root, else
    /// $XDG_CONFIG_HOME/shadowtap/shadowtap.toml or ~/.config/shadowtap/shadowtap.toml]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Take the default of each question that no option answers
    #[arg(long)]
    yes: bool,
    /// Replace a file that exists
    #[arg(long)]
    force: bool,
    /// Name of the site
    #[arg(long, value_name = "NAME", value_parser = words::site)]
    site: Option<String>,
    /// Time zone of the site, an IANA name
    #[arg(long, value_name = "ZONE", value_parser = words::zone)]
    time_zone: Option<String>,
    /// Interfaces of the mirror, with commas; `none` leaves them open
    #[arg(long, value_name = "IFACE", value_parser = words::interfaces)]
    interface: Option<Names>,
    /// The office's networks, with commas; `private` for the private ranges
    #[arg(long, value_name = "NETS", value_parser = words::nets)]
    local_nets: Option<Nets>,
    /// Syslog receiver of alerts: tls://HOST:PORT, tcp://HOST:PORT, udp://HOST:PORT, or `none`
    #[arg(long, value_name = "ADDRESS", value_parser = words::receiver)]
    syslog: Option<Receiver>,
}

/// Interfaces; none where nobody knows yet.
type Names = Vec<String>;
/// Networks; none stand for the private ranges, which are the default of the key.
type Nets = Vec<IpNet>;

/// Who may read the file: the sensor's group, since it can name secrets. Nobody else.
const MODE: u32 = 0o640;

/// Runs the command.
pub(crate) fn run(args: &Args) -> Outcome {
    let path = args.out.clone().unwrap_or_else(default_path);
    if !args.force && fs::symlink_metadata(&path).is_ok() {
        return Err(exists(&path));
    }
    let answers = Answers::gather(args)?;
    let text = written::text(&answers);
    // What was answered was looked at already: this is for what nobody thought of.
    config::check(&text, &path)?;
    write(&path, &text, args.force)?;
    let mut out = Output::new();
    out.line(format_args!("wrote {}\n\nNext:", path.display()))?;
    for command in written::next(&answers, &path) {
        out.line(format_args!("  {command}"))?;
    }
    out.finish()?;
    Ok(Done::Clean)
}

fn default_path() -> PathBuf {
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config"));
    let folder = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).or(home);
    match folder {
        Some(folder) if !config::is_root() => folder.join("shadowtap/shadowtap.toml"),
        _ => PathBuf::from("/etc/shadowtap/shadowtap.toml"),
    }
}

fn exists(path: &Path) -> Failure {
    let path = path.display();
    Failure::Failed(format!("{path} exists and was left as it is: --force replaces it, --out names another"))
}

/// Writes the file whole or not at all; one that is there is replaced only by force.
fn write(path: &Path, text: &str, force: bool) -> Result<(), Failure> {
    let cannot = |e: io::Error| match e.kind() {
        io::ErrorKind::AlreadyExists => exists(path),
        _ => Failure::Failed(format!("cannot write {}: {e}; name another file with --out", path.display())),
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(cannot)?;
    }
    let mut part = path.as_os_str().to_owned();
    part.push(format!(".{}.part", std::process::id()));
    let part = PathBuf::from(part);
    let done = fill(&part, text).and_then(|()| match force {
        true => fs::rename(&part, path),
        // Unlike a renamed one, a linked file takes no other's place.
        false => fs::hard_link(&part, path),
    });
    let _ = fs::remove_file(&part);
    done.map_err(cannot)
}

fn fill(part: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(part)?;
    file.set_permissions(Permissions::from_mode(MODE))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
