//! Who may use what: one organisation's opinion, with owners, reasons and dates.
//!
//! | file | noun |
//! |---|---|
//! | `subject`, `group`, `macs`, `hours` | who is asking, and when |
//! | `assets`, `csv` | what people know of devices: name, department, owner |
//! | `rule` | what the organisation says |
//! | `members`, `table` | both of them compiled: integers in, a verdict out |
//! | `decide`, `numbers` | the verdict as a sentence, and without one |
//! | `deadline`, `review`, `approval`, `route` | clocks, dates, audit rows, recipients and what is held back |
//! | `finding`, `limit`, `budget` | what a finding is about, how much may be sent, how many alerts a day may bring |
//! | `lint`, `diff`, `draft` | what a reader of a policy wants to know before it counts |
//! | `read`, `overlap` | the file, and refusing one that contradicts itself |
//!
//! A decision costs one binary search for the address, one hash for each id that the policy asks for, and a
//! walk over the rules for that service and that group, usually one or two.

mod approval;
mod assets;
mod budget;
mod csv;
mod deadline;
mod decide;
mod diff;
mod draft;
mod finding;
mod group;
mod hours;
mod limit;
mod lint;
mod macs;
mod members;
mod numbers;
mod overlap;
mod read;
mod review;
mod route;
mod rule;
mod subject;
mod table;

use std::{fs, io, net::IpAddr, path::Path, sync::Arc};

use jiff::civil::Date;

pub use approval::{Stage, Step};
pub use assets::{Asset, Assets};
pub use budget::Budget;
pub use decide::Decision;
pub use diff::{Change, diff};
pub use draft::{Seen, draft};
pub use finding::FindingRule;
pub use group::{DataTier, Group};
pub use hours::Hours;
pub use limit::{Limit, Per};
pub use lint::{Lint, LintLevel};
pub use macs::{Macs, mac};
pub use numbers::{ClientNumber, ServiceNumber};
pub use review::{Review, ReviewState};
pub use route::{Route, Suppression};
pub use rule::{Rule, Status};
pub use subject::Subject;

use crate::{
    catalogue::{Catalogue, Plan, Service},
    digest,
    fault::Fault,
};
use csv::read_line;
use deadline::Deadlines;
use members::Members;
use route::{QuietHours, Routes};
use table::{Table, Usage};

/// A policy file that has been read, found free of contradictions and compiled. Immutable.
#[derive(Debug, Clone)]
pub struct Policy {
    name: String,
    file: String,
    head_line: usize,
    owner: Option<String>,
    reviewed: Option<Date>,
    nested: bool,
    version: String,
    groups: Vec<Group>,
    rules: Vec<Rule>,
    deadlines: Deadlines,
    routes: Routes,
    quiet: Option<QuietHours>,
    suppressions: Vec<Suppression>,
    severities: Vec<(FindingRule, u8)>,
    limits: Vec<Limit>,
    budget: Budget,
    download_bytes: u64,
    approvals_file: Option<String>,
    approvals: Vec<Step>,
    members: Members,
    table: Table,
}

/// Why a policy could not be read.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The file could not be read.
    #[error("{path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// The system's answer.
        source: io::Error,
    },
    /// The file says something wrong or contradicts itself.
    #[error("{0}")]
    Fault(#[from] Fault),
}

impl Policy {
    /// No policy: everything is `unreviewed` and nobody belongs to a group.
    pub fn empty() -> Policy {
        Policy {
            name: "none".to_owned(),
            file: String::new(),
            head_line: 1,
            owner: None,
            reviewed: None,
            nested: false,
            version: "none".to_owned(),
            groups: Vec::new(),
            rules: Vec::new(),
            deadlines: Deadlines::default(),
            routes: Routes::default(),
            quiet: None,
            suppressions: Vec::new(),
            severities: Vec::new(),
            limits: Vec::new(),
            budget: Budget::default(),
            download_bytes: limit::DOWNLOAD_BYTES,
            approvals_file: None,
            approvals: Vec::new(),
            members: Members::default(),
            table: Table::over(&[], &[]),
        }
    }

    /// Reads a policy; `file` is the name that messages and reasons give. Services and categories are
    /// checked against the catalogue, because a rule for a service that does not exist never holds. A file of
    /// approvals that the policy names is left to [`load`](Policy::load).
    pub fn parse(text: &str, file: &str, catalogue: &Catalogue) -> Result<Policy, PolicyError> {
        let policy = read::policy(text, file, catalogue)?;
        overlap::refuse(&policy.rules, &policy.groups, policy.nested, file)?;
        let (members, table) = (Members::over(&policy.groups), Table::over(&policy.rules, &policy.groups));
        Ok(Policy { version: digest::of_text(text), members, table, ..policy })
    }

    /// Reads a policy from a file, and the approvals beside it that `policy.approvals` names.
    pub fn load(path: &Path, catalogue: &Catalogue) -> Result<Policy, PolicyError> {
        let mut policy = Policy::parse(&read_text(path)?, &file_name(path), catalogue)?;
        if let Some(name) = &policy.approvals_file {
            let beside = path.with_file_name(name);
            let steps = read::approvals(&read_text(&beside)?, &file_name(&beside), &policy.groups, catalogue)?;
            policy.approvals.extend(steps);
        }
        Ok(policy)
    }

    /// The same policy, and what people know of devices: a department of the list that has the id or the name of a
    /// group puts its devices into it, before their networks do and after groups that name them.
    pub fn with_assets(mut self, assets: Arc<Assets>) -> Policy {
        // Without a group the list decides nothing.
        if !self.groups.is_empty() {
            self.version = digest::of_text(&format!("{}\n{}", self.version, assets.version()));
        }
        self.members.take_assets(assets, &self.groups);
        self
    }

    /// What people know of a client.
    pub fn asset(&self, client: &Subject<'_>) -> Option<&Asset> {
        self.members.asset(client)
    }

    /// Departments of the list that are no group here.
    pub fn strange_departments(&self) -> Vec<&str> {
        self.members.strange_departments()
    }

    /// The name in `[policy]`, or the file's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first 12 hex digits of SHA-256 of the text, and of the list of devices where there is one; "none" for the
    /// empty policy.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Who answers for the policy as a whole.
    pub fn owner(&self) -> Option<&str> {
        self.owner.as_deref()
    }

    /// When people last went through the policy.
    pub fn reviewed(&self) -> Option<Date> {
        self.reviewed
    }

    /// All groups, in the order of the file.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// All rules, in the order of the file.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The audit: every step of every tool, in the order of the files.
    pub fn approvals(&self) -> &[Step] {
        &self.approvals
    }

    /// The group of a client of which only the address is known.
    pub fn group_of(&self, ip: IpAddr) -> Option<&Group> {
        self.group_for(&Subject::of(ip))
    }

    /// The group that a client belongs to: of those that hold it, the one that asks for most.
    pub fn group_for(&self, client: &Subject<'_>) -> Option<&Group> {
        self.groups.get(usize::from(self.members.find(client)?))
    }

    /// What this policy says about a use by a client of which only the address is known. Groups that ask for
    /// more, and rules with plans or hours, do not count.
    pub fn decide(&self, client: IpAddr, service: &Service, on: Date) -> Decision<'_> {
        self.decide_for(&Subject::of(client), service, None, on)
    }

    /// What this policy says about a client's use of a service; `plan` is the licence that the host's name
    /// told. `on` is the day by which rules expire.
    pub fn decide_for(
        &self,
        client: &Subject<'_>,
        service: &Service,
        plan: Option<Plan>,
        on: Date,
    ) -> Decision<'_> {
        let group = self.members.find(client);
        let verdict = self.verdict(group, service, plan, Usage::minute(client.at), on);
        let group = group.and_then(|index| self.groups.get(usize::from(index)));
        decide::words(self, &verdict, group, service, plan, on)
    }
}

fn read_text(path: &Path) -> Result<String, PolicyError> {
    fs::read_to_string(path).map_err(|source| PolicyError::Read { path: path.display().to_string(), source })
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
