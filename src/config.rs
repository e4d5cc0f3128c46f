//! The configuration file, and what the command line makes of it.

#[cfg(feature = "live")]
use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::num::NonZeroU16;
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ingest::judge::{FINDINGS_FILE, Judge};
use ingest::siem::SinkTarget;
use ipnet::IpNet;
use jiff::tz::TimeZone;
use rules::catalogue::Catalogue;
use rules::policy::{Assets, Policy, PolicyError};
use sensor::flow::table::MAX_FLOWS;
use sensor::local::LocalNets;
use sensor::spool::Limits;
use sensor::worker::{MAX_HELD, WorkerConfig};
use serde::Deserialize;
use toml::Spanned;

use crate::exit::Failure;
use crate::health::{HealthBlock, HealthChoice};
use crate::rules_files::Rules;
use crate::siem::{self, SiemBlock, Sinks};
use crate::spooling::SpoolFile;
use crate::store::{StoreChoice, StoreFile};
use crate::terminal;

/// Arguments that all commands with a data directory share.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct SetupArgs {
    /// Configuration file: site, local networks, SIEM (docs/configuration.md)
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Policy file: who may use what (docs/policy.md); without one every service is unreviewed
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Where spool, store and findings are kept [default: /var/lib/shadowtap as
    /// root, else $XDG_DATA_HOME/shadowtap or ~/.local/share/shadowtap]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Folder of catalogue files that replace or extend the built-in ones
    #[arg(long, value_name = "DIR")]
    pub(crate) catalogue: Option<PathBuf>,
    /// Where facts are kept: `sqlite` (in the data directory) or a server,
    /// clickhouse://USER@HOST:PORT/DATABASE?secure=1 (docs/clickhouse.md)
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,
}

impl SetupArgs {
    /// The same as words of a command line, for a child.
    #[cfg(feature = "live")]
    pub(crate) fn words(&self) -> Vec<OsString> {
        let Self { config, policy, data_dir, catalogue, store } = self;
        let path = |path: &Option<PathBuf>| path.clone().map(PathBuf::into_os_string);
        let options = [
            ("--config", path(config)),
            ("--policy", path(policy)),
            ("--data-dir", path(data_dir)),
            ("--catalogue", path(catalogue)),
            ("--store", store.clone().map(OsString::from)),
        ];
        let given = options.into_iter().filter_map(|(name, value)| {
            let mut word = OsString::from(name);
            word.push("=");
            word.push(value?);
            Some(word)
        });
        given.collect()
    }
}

/// The configuration file. Unknown keys are errors.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ConfigFile {
    data_dir: Option<PathBuf>,
    policy: Option<PathBuf>,
    catalogue: Option<PathBuf>,
    bundle: Option<BundleFiles>,
    site: Site,
    sensor: Sensor,
    store: StoreFile,
    siem: Vec<Spanned<SiemBlock>>,
    spool: SpoolFile,
    health: HealthBlock,
}

/// A signed bundle of catalogue files and the key that it must be signed with.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct BundleFiles {
    file: PathBuf,
    public_key: PathBuf,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Site {
    name: Option<Name>,
    time_zone: Option<Zone>,
    assets: Option<PathBuf>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Sensor {
    name: Option<Name>,
    interface: Option<Interfaces>,
    local_nets: Option<Vec<IpNet>>,
    max_flows: Option<MaxFlows>,
    max_reassembly_mb: Option<NonZeroU16>,
}

/// Flows that are tracked at the same time: with fewer the table cannot tell a flood from its own flows, and more than
/// this are tens of gigabytes.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "u32")]
struct MaxFlows(usize);

impl TryFrom<u32> for MaxFlows {
    type Error = String;

    fn try_from(flows: u32) -> Result<Self, String> {
        let fits = (1_000..=10_000_000).contains(&flows);
        if fits { Ok(Self(flows as usize)) } else { Err("max_flows is 1000 to 10000000".to_owned()) }
    }
}

/// A name that goes into each record and file names nowhere.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
struct Name(String);

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let fits = (1..=64).contains(&text.len()) && text.chars().all(|c| !c.is_control());
        if fits { Ok(Self(text)) } else { Err("a name has 1 to 64 bytes and no control characters".to_owned()) }
    }
}

/// Where mirrored frames arrive: one interface or several.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "interface is a name such as \"eth1\", or a list of names")]
enum Interfaces {
    One(Interface),
    Several(Vec<Interface>),
}

impl Interfaces {
    fn names(self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one.0],
            Self::Several(all) => all.into_iter().map(|one| one.0).collect(),
        }
    }
}

/// A name as the kernel takes it (`dev_valid_name`).
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
struct Interface(String);

impl TryFrom<String> for Interface {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        match is_interface(&name) {
            true => Ok(Self(name)),
            false => Err("an interface's name has 1 to 15 bytes, none of them a blank, a slash or a colon"),
        }
    }
}

/// Whether a text can be `site.name`; else why not.
pub(crate) fn site_name(text: &str) -> Result<(), String> {
    Name::try_from(text.to_owned()).map(drop)
}

/// Whether a text can be `site.time_zone`; else why not.
pub(crate) fn time_zone(text: &str) -> Result<(), String> {
    Zone::try_from(text.to_owned()).map(drop)
}

/// True for what the kernel takes as the name of an interface.
pub(crate) fn is_interface(name: &str) -> bool {
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '/' | ':');
    (1..=15).contains(&name.len()) && name.chars().all(plain) && name != "." && name != ".."
}

#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
struct Zone(TimeZone);

impl TryFrom<String> for Zone {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let unknown = |_| format!("unknown time zone {text:?}: use an IANA name such as Europe/Berlin or UTC");
        TimeZone::get(&text).map(Self).map_err(unknown)
    }
}

/// Everything a command needs, read once.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    /// Where spool, store and findings are kept.
    pub(crate) data_dir: PathBuf,
    /// Name of the site.
    pub(crate) site: String,
    /// The site that reports are about; all sites of the store when the configuration names none.
    pub(crate) report_site: String,
    /// The site's time zone.
    pub(crate) time_zone: TimeZone,
    /// Name of the sensor.
    pub(crate) sensor: String,
    /// Where mirrored frames arrive; none where the configuration names none.
    pub(crate) interfaces: Vec<String>,
    /// The office's own networks.
    pub(crate) local: LocalNets,
    /// Flows that are tracked at the same time.
    max_flows: usize,
    /// Bytes that they may hold for reassembly.
    max_held: usize,
    /// Where facts are kept.
    pub(crate) store: StoreChoice,
    /// How large the spool may become.
    pub(crate) spool: Limits,
    /// Where health is told.
    #[cfg_attr(not(feature = "live"), allow(dead_code, reason = "only `run` tells its health"))]
    pub(crate) health: HealthChoice,
    /// SIEM sinks.
    pub(crate) sinks: Vec<SinkTarget>,
    /// What about them works and should be another way.
    remarks: Vec<String>,
    /// What is an AI service.
    pub(crate) rules: Rules,
    /// Who may use it, as of the start.
    pub(crate) policy: Arc<Policy>,
    /// The file that says so; none where no policy was named.
    policy_file: Option<PathBuf>,
    /// What people know of devices.
    #[cfg_attr(not(feature = "live"), allow(dead_code, reason = "only `run` lives long enough to read it again"))]
    assets_file: Option<PathBuf>,
}

impl Setup {
    /// Reads configuration, catalogue and policy.
    pub(crate) fn load(args: &SetupArgs) -> Result<Self, Failure> {
        Self::of(args, args.config.as_deref().map(read).transpose()?.unwrap_or_default())
    }

    /// The same without receivers and server: who reads packets has no use for their secrets.
    #[cfg(feature = "live")]
    pub(crate) fn without_secrets(args: &SetupArgs) -> Result<Self, Failure> {
        let file = args.config.as_deref().map(read).transpose()?.unwrap_or_default();
        let file = ConfigFile { siem: Vec::new(), store: StoreFile::default(), ..file };
        Self::of(&SetupArgs { store: None, ..args.clone() }, file)
    }

    fn of(args: &SetupArgs, file: ConfigFile) -> Result<Self, Failure> {
        let data_dir = args.data_dir.clone().or(file.data_dir).unwrap_or_else(default_data_dir);
        let bundle = file.bundle.map(|bundle| (bundle.file, bundle.public_key));
        let rules = Rules::load(args.catalogue.clone().or(file.catalogue), bundle, &data_dir)?;
        let catalogue = rules.current();
        let policy_file = args.policy.clone().or(file.policy);
        let assets_file = file.site.assets;
        let policy = with_assets(policy(policy_file.as_deref(), &catalogue)?, assets_file.as_deref())?;
        let store = StoreChoice::new(args.store.as_deref(), file.store)?;
        let Sinks { targets: mut sinks, mut remarks } =
            siem::sinks(file.siem.into_iter().map(Spanned::into_inner).collect())?;
        sinks.extend(store.findings());
        remarks.extend(strange(&policy, assets_file.as_deref()));
        let local = file.sensor.local_nets.map(LocalNets::new).unwrap_or_default();
        Ok(Self {
            data_dir,
            report_site: file.site.name.as_ref().map_or_else(String::new, |name| name.0.clone()),
            site: file.site.name.map_or_else(|| "office".to_owned(), |name| name.0),
            time_zone: file.site.time_zone.map_or_else(system_zone, |zone| zone.0),
            sensor: file.sensor.name.map_or_else(|| "shadowtap".to_owned(), |name| name.0),
            interfaces: file.sensor.interface.map(Interfaces::names).unwrap_or_default(),
            local,
            max_flows: file.sensor.max_flows.map_or(MAX_FLOWS, |flows| flows.0),
            max_held: file.sensor.max_reassembly_mb.map_or(MAX_HELD, |mib| usize::from(mib.get()) << 20),
            store,
            sinks,
            remarks,
            spool: file.spool.limits(),
            health: file.health.choice()?,
            rules,
            policy: Arc::new(policy),
            policy_file,
            assets_file,
        })
    }

    /// The file of the policy; none where no policy was named.
    pub(crate) fn policy_file(&self) -> Option<&Path> {
        self.policy_file.as_deref()
    }

    /// The policy and the list of devices as their files say now, checked against the catalogue in force.
    #[cfg(feature = "live")]
    pub(crate) fn renewed_policy(&self) -> Result<Policy, Failure> {
        let policy = policy(self.policy_file.as_deref(), &self.rules.current())?;
        with_assets(policy, self.assets_file.as_deref())
    }

    /// The configuration of a worker that reads `source`.
    pub(crate) fn worker(&self, source: String) -> WorkerConfig {
        WorkerConfig {
            sensor: self.sensor.clone(),
            site: self.site.clone(),
            source,
            local: self.local.clone(),
            max_flows: self.max_flows,
            max_held: self.max_held,
            ..WorkerConfig::new(self.rules.current())
        }
    }

    /// The judge that these rules make, with every SIEM sink.
    pub(crate) fn judge(&self) -> Judge {
        Judge {
            catalogue: self.rules.current(),
            policy: self.policy.clone(),
            time_zone: self.time_zone.clone(),
            sinks: self.sinks.iter().map(SinkTarget::listener).collect(),
        }
    }

    /// Warns of what works and should be another way: for the commands that send.
    pub(crate) fn warn(&self) {
        self.remarks.iter().for_each(|remark| terminal::warning(remark));
    }

    /// True when something was judged here: opening the findings would make an empty file.
    pub(crate) fn has_findings(&self) -> bool {
        self.data_dir.join(FINDINGS_FILE).exists()
    }

    /// Makes the data directory and keeps other processes from writing into it while the lock is held.
    pub(crate) fn lock(&self) -> Result<File, Failure> {
        self.hold("lock", File::try_lock, "")
    }

    /// The same for one of the two halves of `run`: both may be at work, each once, and nobody who does both.
    #[cfg(feature = "live")]
    pub(crate) fn lock_half(&self, half: &str) -> Result<[File; 2], Failure> {
        let all = self.hold("lock", File::try_lock_shared, "")?;
        Ok([all, self.hold(&format!("{half}.lock"), File::try_lock, &format!(" {half}"))?])
    }

    fn hold(&self, name: &str, lock: fn(&File) -> Result<(), TryLockError>, other: &str) -> Result<File, Failure> {
        let dir = self.data_dir.display();
        let cannot = |what: &str, e| {
            Failure::Failed(format!("cannot {what} the data directory {dir}: {e}; name another with --data-dir"))
        };
        // What the sensor knows is nobody else's business on this machine.
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.data_dir);
        made.map_err(|e| cannot("create", e))?;
        let file = File::create(self.data_dir.join(name)).map_err(|e| cannot("write to", e))?;
        match lock(&file) {
            Ok(()) => {
                self.rules.remember(&self.data_dir);
                Ok(file)
            }
            Err(TryLockError::WouldBlock) => Err(Failure::Failed(format!(
                "the data directory {dir} is in use by another shadowtap{other}; stop it or name another with \
                 --data-dir"
            ))),
            Err(TryLockError::Error(e)) => Err(cannot("lock", e)),
        }
    }
}

/// The built-in catalogue, with a folder's files over it.
pub(crate) fn catalogue(folder: Option<&Path>) -> Result<Catalogue, Failure> {
    folder.map_or_else(|| Ok(Catalogue::builtin()), |dir| Catalogue::extended(dir).map_err(Failure::usage))
}

/// Reads a configuration file. Relative paths in it count from its own folder.
fn read(path: &Path) -> Result<ConfigFile, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|e| Failure::Usage(format!("cannot read the configuration {}: {e}", path.display())))?;
    parse(&text, path)
}

/// Whether a text is a configuration; the files that it names are not looked at.
pub(crate) fn check(text: &str, path: &Path) -> Result<(), Failure> {
    parse(text, path).map(drop)
}

fn parse(text: &str, path: &Path) -> Result<ConfigFile, Failure> {
    let place = |span: Option<Range<usize>>| format!("{}:{}", path.display(), line(text, span));
    let mut file: ConfigFile =
        toml::from_str(text).map_err(|e| Failure::Usage(format!("{}: {}", place(e.span()), e.message())))?;
    for block in &mut file.siem {
        let place = place(Some(block.span()));
        block.as_mut().stands_at(place);
    }
    let base = path.parent().unwrap_or(Path::new(""));
    let bundle = file.bundle.as_mut().map(|bundle| [&mut bundle.file, &mut bundle.public_key]);
    let paths = [&mut file.data_dir, &mut file.policy, &mut file.catalogue, &mut file.site.assets];
    let paths = paths.into_iter().flatten();
    let sinks = file.siem.iter_mut().flat_map(|block| block.as_mut().paths());
    for relative in paths.chain(bundle.into_iter().flatten()).chain(file.store.paths()).chain(sinks) {
        *relative = base.join(&*relative);
    }
    Ok(file)
}

/// The line in which a span begins, from 1 on.
fn line(text: &str, span: Option<Range<usize>>) -> usize {
    let before = span.and_then(|span| text.get(..span.start)).unwrap_or_default();
    1 + before.bytes().filter(|byte| *byte == b'\n').count()
}

fn policy(path: Option<&Path>, catalogue: &Catalogue) -> Result<Policy, Failure> {
    let Some(path) = path else { return Ok(Policy::empty()) };
    Policy::load(path, catalogue).map_err(|e| policy_failure(path, e))
}

/// The policy with what people know of devices.
fn with_assets(policy: Policy, path: Option<&Path>) -> Result<Policy, Failure> {
    let Some(path) = path else { return Ok(policy) };
    let text = fs::read_to_string(path)
        .map_err(|e| Failure::Usage(format!("cannot read the list of devices {}: {e}", path.display())))?;
    let assets = Assets::parse(&text, &path.display().to_string()).map_err(Failure::usage)?;
    Ok(policy.with_assets(Arc::new(assets)))
}

/// Departments that were meant as groups, perhaps.
fn strange(policy: &Policy, path: Option<&Path>) -> Option<String> {
    let names = policy.strange_departments();
    let (path, first) = (path?, names.first().filter(|_| !policy.groups().is_empty())?);
    Some(format!(
        "{}: {} of its departments no group of the policy has as id or name, {first:?} for example; their devices \
         belong where their networks do",
        path.display(),
        names.len()
    ))
}

/// What is wrong with a policy file.
pub(crate) fn policy_failure(path: &Path, error: PolicyError) -> Failure {
    match error {
        PolicyError::Read { source, .. } => {
            Failure::Usage(format!("cannot read the policy {}: {source}", path.display()))
        }
        PolicyError::Fault(fault) => Failure::usage(fault),
    }
}

fn default_data_dir() -> PathBuf {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    match (is_root(), std::env::var_os("XDG_DATA_HOME"), home) {
        (false, Some(data), _) => PathBuf::from(data).join("shadowtap"),
        (false, None, Some(home)) => home.join(".local/share/shadowtap"),
        _ => PathBuf::from("/var/lib/shadowtap"),
    }
}

/// True for root, who owns its own entry under /proc.
pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0)
}

/// The IANA name of the system's time zone (`TZ`, else /etc/localtime), else UTC.
pub(crate) fn system_zone_name() -> String {
    system_zone().iana_name().unwrap_or("UTC").to_owned()
}

fn system_zone() -> TimeZone {
    TimeZone::try_system().unwrap_or(TimeZone::UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup(text: &str) -> Result<Setup, Failure> {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("config.toml");
        fs::write(&path, text).unwrap();
        let args =
            SetupArgs { config: Some(path), data_dir: Some(dir.path().join("data")), ..SetupArgs::default() };
        Setup::load(&args)
    }

    fn worker(text: &str) -> Result<WorkerConfig, Failure> {
        setup(text).map(|setup| setup.worker(String::new()))
    }

    #[test]
    fn one_interface_or_several() {
        let names = |text: &str| setup(text).map(|setup| setup.interfaces).map_err(Failure::into_text);
        assert_eq!(names("").unwrap(), [""; 0]);
        assert_eq!(names("[sensor]\ninterface = \"eth1\"\n").unwrap(), ["eth1"]);
        assert_eq!(names("[sensor]\ninterface = [\"eth1\", \"eth2\"]\n").unwrap(), ["eth1", "eth2"]);
        for wrong in ["\"\"", "\"a b\"", "\"a/b\"", "\"sixteen-bytes-16\"", "7", "[\"\"]", "\"..\""] {
            let message = names(&format!("[sensor]\ninterface = {wrong}\n")).unwrap_err();
            assert!(message.contains("config.toml:2") && message.contains("interface is a name"), "{message}");
        }
    }

    #[test]
    fn how_much_a_worker_may_take() {
        let config = worker("[sensor]\nmax_flows = 100000\nmax_reassembly_mb = 32\n").unwrap();
        assert_eq!((config.max_flows, config.max_held), (100_000, 32 << 20));
        let config = worker("").unwrap();
        assert_eq!((config.max_flows, config.max_held), (MAX_FLOWS, MAX_HELD));
        for (text, word) in [
            ("[sensor]\nmax_flows = 999\n", "max_flows is 1000 to 10000000"),
            ("[sensor]\nmax_reassembly_mb = 0\n", "nonzero"),
        ] {
            let Err(Failure::Usage(message)) = worker(text) else { panic!("{text}") };
            assert!(message.contains("config.toml:2") && message.contains(word), "{message}");
        }
    }
}
