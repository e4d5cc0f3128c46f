//! May this user capture, write the data, and read what the configuration names; and who else may read secrets?

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};

use super::check::{Check, Id};
use super::system::{field, quoted, read};
use crate::config::{self, Setup};

const CAPTURE_RIGHT: Id = Id("capture-right");
pub(super) const DATA_DIR: Id = Id("data-dir");
const CONFIG: Id = Id("config");
const SETUP: Id = Id("setup");
const SECRETS: Id = Id("secrets");

/// CAP_NET_RAW of linux/capability.h.
const NET_RAW: u32 = 13;
/// Keys of the configuration that name files which nobody else may read.
const SECRET_KEYS: [&str; 3] = ["secret_file", "password_file", "client_key"];

/// CAP_NET_RAW; root has it unless it was taken away.
pub(super) fn capture_right() -> Check {
    let mask = read("/proc/self/status").and_then(|status| field(&status, "CapEff"));
    let Some(mask) = mask.and_then(|mask| u64::from_str_radix(&mask, 16).ok()) else {
        return CAPTURE_RIGHT.unknown("/proc/self/status cannot be read");
    };
    if mask >> NET_RAW & 1 == 1 {
        return CAPTURE_RIGHT.ok(format!("CAP_NET_RAW is effective ({mask:#x})"));
    }
    let user = rustix::process::geteuid().as_raw();
    let binary = fs::read_link("/proc/self/exe").map_or_else(|_| "/usr/local/bin/shadowtap".into(), quoted_path);
    let seen = match user {
        0 => "root without CAP_NET_RAW: the container or service takes it away".to_owned(),
        _ => format!("user {user} has no CAP_NET_RAW"),
    };
    CAPTURE_RIGHT.fail(seen, format!("sudo setcap cap_net_raw=eip {binary}"))
}

#[allow(clippy::needless_pass_by_value, reason = "it stands in `map_or_else`")]
fn quoted_path(path: PathBuf) -> String {
    quoted(path.display())
}

/// The data directory: there, of this user, of nobody else.
pub(super) fn data_dir(dir: &Path) -> Check {
    let (shown, name) = (dir.display(), quoted(dir.display()));
    let meta = match fs::metadata(dir) {
        Ok(meta) if meta.is_dir() => meta,
        Ok(_) => return DATA_DIR.fail(format!("{shown} is no folder"), format!("ls -l {name}")),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let seen = format!("{shown} is not there yet: the first run makes it");
            return DATA_DIR.warn(seen, format!("sudo install -d -m 0700 {name}"));
        }
        Err(e) => return DATA_DIR.fail(format!("{shown}: {e}"), format!("sudo ls -ld {name}")),
    };
    let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let seen = format!("{shown}: owner {}, mode {:04o}", meta.uid(), mode(&meta));
    if accessat(CWD, dir, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS).is_err() {
        return DATA_DIR.fail(
            format!("{seen}; user {user} may not write there"),
            format!("sudo chown -R {user}:{group} {name}"),
        );
    }
    match meta.mode() & 0o077 {
        0 => DATA_DIR.ok(seen),
        _ => DATA_DIR.warn(format!("{seen}; others than its owner may look in"), format!("sudo chmod 0700 {name}")),
    }
}

/// The configuration file alone: is it readable, and one that this program takes?
pub(super) fn config(path: Option<&Path>) -> Check {
    let Some(path) = path else { return CONFIG.ok("none is named: every key has its default") };
    let (shown, name) = (path.display(), quoted(path.display()));
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) => return CONFIG.fail(format!("{shown}: {e}"), format!("sudo ls -l {name}")),
    };
    if let Err(failure) = config::check(&text, path) {
        return CONFIG.fail(failure.into_text(), format!("sudoedit {name}"));
    }
    match fs::metadata(path) {
        Ok(meta) if meta.mode() & 0o002 != 0 => CONFIG.warn(
            format!("{shown}: mode {:04o}, everybody may change it", mode(&meta)),
            format!("sudo chmod o-w {name}"),
        ),
        Ok(meta) => CONFIG.ok(format!("{shown}: mode {:04o}", mode(&meta))),
        Err(e) => CONFIG.unknown(format!("{shown}: {e}")),
    }
}

/// What the configuration and the options name: policy, catalogue, list of devices, secrets.
pub(super) fn setup(loaded: &Result<Setup, String>, editable: Option<&Path>) -> Check {
    match loaded {
        Ok(setup) => {
            let (policy, catalogue) = (&setup.policy, setup.rules.current());
            let policy = match setup.policy_file() {
                Some(path) => format!("policy {} {}", path.display(), policy.version()),
                None => "no policy, so every service is unreviewed".to_owned(),
            };
            let services = catalogue.services().len();
            SETUP.ok(format!("{policy}; catalogue {}, {services} services", catalogue.version()))
        }
        Err(failure) => {
            let mend = editable.map_or_else(
                || "shadowtap doctor --help".to_owned(),
                |path| format!("sudoedit {}", quoted(path.display())),
            );
            SETUP.fail(failure.clone(), mend)
        }
    }
}

/// Files with secrets that the configuration names.
pub(super) fn secrets(config: Option<&Path>) -> Check {
    let Some(path) = config else { return SECRETS.ok("no configuration names any") };
    let table = fs::read_to_string(path).ok().and_then(|text| text.parse::<toml::Table>().ok());
    let Some(table) = table else { return SECRETS.unknown("the configuration cannot be read") };
    let mut named = Vec::new();
    gather(&toml::Value::Table(table), &mut named);
    let base = path.parent().unwrap_or(Path::new(""));
    let paths: Vec<PathBuf> = named.iter().map(|file| base.join(file)).collect();
    let open: Vec<&PathBuf> =
        paths.iter().filter(|path| fs::metadata(path).is_ok_and(|meta| meta.mode() & 0o007 != 0)).collect();
    let list = |paths: &[&PathBuf]| paths.iter().map(|p| quoted(p.display())).collect::<Vec<_>>().join(" ");
    let unseen = paths.iter().filter(|path| fs::metadata(path).is_err()).count();
    match (open.is_empty(), unseen) {
        (false, _) => SECRETS.fail(
            format!("every user of this machine may read {}", list(&open)),
            format!("sudo chmod o= {}", list(&open)),
        ),
        (true, 0) => SECRETS.ok(format!("{} files, none of them for everybody", paths.len())),
        (true, n) => SECRETS.unknown(format!("{n} of {} files cannot be looked at", paths.len())),
    }
}

/// Every file under one of the keys, wherever it stands.
fn gather(value: &toml::Value, into: &mut Vec<String>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                match value.as_str() {
                    Some(file) if SECRET_KEYS.contains(&key.as_str()) => into.push(file.to_owned()),
                    _ => gather(value, into),
                }
            }
        }
        toml::Value::Array(all) => all.iter().for_each(|value| gather(value, into)),
        _ => {}
    }
}

fn mode(meta: &Metadata) -> u32 {
    meta.mode() & 0o7777
}
