//! Who may use what: one organisation's opinion, with owners, reasons and dates.

mod decide;
mod duration;
mod file;
mod group;
mod overlap;
mod rule;

use std::{fs, io, net::IpAddr, path::Path, time::Duration};

use jiff::civil::Date;

pub use decide::Decision;
pub use group::Group;
pub use rule::{Rule, Status};

use crate::{
    catalogue::{Catalogue, Service},
    digest,
    fault::Fault,
    words::words,
};

/// A policy file that has been read and found free of contradictions. Immutable.
#[derive(Debug, Clone)]
pub struct Policy {
    name: String,
    file: String,
    owner: Option<String>,
    reviewed: Option<Date>,
    version: String,
    groups: Vec<Group>,
    rules: Vec<Rule>,
    deadlines: Deadlines,
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

words! {
    /// The findings that a status alone gives rise to.
    pub enum FindingRule, "finding rule" {
        /// A tool that is in use and not approved.
        UnapprovedUse = "unapproved-use",
        /// A tool that is in use and prohibited.
        ProhibitedUse = "prohibited-use",
    }
}

/// How soon each kind of finding is to be reported.
#[derive(Debug, Clone, Copy)]
struct Deadlines {
    unapproved_tool: Duration,
    prohibited_tool: Duration,
    suspected_data_upload: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        let minutes = |count: u64| Duration::from_secs(count * 60);
        Deadlines {
            unapproved_tool: minutes(240),
            prohibited_tool: minutes(60),
            suspected_data_upload: minutes(15),
        }
    }
}

impl Policy {
    /// No policy: everything is `unreviewed` and nobody belongs to a group.
    pub fn empty() -> Policy {
        Policy {
            name: "none".to_owned(),
            file: String::new(),
            owner: None,
            reviewed: None,
            version: "none".to_owned(),
            groups: Vec::new(),
            rules: Vec::new(),
            deadlines: Deadlines::default(),
        }
    }

    /// Reads a policy; `file` is the name that messages and reasons give. Services and categories are
    /// checked against the catalogue, because a rule for a service that does not exist never holds.
    pub fn parse(text: &str, file: &str, catalogue: &Catalogue) -> Result<Policy, PolicyError> {
        let policy = file::read(text, file, catalogue)?;
        overlap::refuse(&policy.rules, &policy.groups, file)?;
        Ok(Policy { version: digest::of_text(text), ..policy })
    }

    /// Reads a policy from a file.
    pub fn load(path: &Path, catalogue: &Catalogue) -> Result<Policy, PolicyError> {
        let text = fs::read_to_string(path)
            .map_err(|source| PolicyError::Read { path: path.display().to_string(), source })?;
        let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        Policy::parse(&text, &file, catalogue)
    }

    /// The name in `[policy]`, or the file's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first 12 hex digits of SHA-256 of the text; "none" for the empty policy.
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

    /// The group whose subnets hold an address. Subnets never overlap, so there is at most one.
    pub fn group_of(&self, ip: IpAddr) -> Option<&Group> {
        let ip = ip.to_canonical();
        self.groups.iter().find(|group| group.subnets.iter().any(|subnet| subnet.contains(&ip)))
    }

    /// What this policy says about a client's use of a service on a day.
    pub fn decide(&self, client: IpAddr, service: &Service, on: Date) -> Decision<'_> {
        decide::decide(self, self.group_of(client), service, on)
    }

    /// Time from detection to report for a finding that a status gives rise to.
    pub fn deadline(&self, rule: FindingRule) -> Duration {
        match rule {
            FindingRule::UnapprovedUse => self.deadlines.unapproved_tool,
            FindingRule::ProhibitedUse => self.deadlines.prohibited_tool,
        }
    }

    /// Time from detection to report for an upload that may hold data.
    pub fn upload_deadline(&self) -> Duration {
        self.deadlines.suspected_data_upload
    }
}
