//! The report as plain data: what `report.json` holds, field by field. `docs/report.md` says what each number means.

mod coverage;
mod findings;
mod measured;
mod services;

use serde::Serialize;

pub use coverage::{Coverage, MethodRow, Share, WordCount};
pub use findings::{Announced, DeviceName, FindingRow, ServiceFindings};
pub use measured::{
    ExceptionRow, LocalModel, ModelDownload, ReviewRow, SensorTrouble, UnusualUpload, VisibilityLost,
};
pub use services::{
    AccessRow, DepartmentRow, Matrix, MatrixRow, NewService, ServiceRow, StatusBytes, TrendWeek, UploadRow,
};

/// Version of the form of `report.json`; rises when a field changes its meaning or goes.
pub const FORM: u32 = 1;

/// One site's week.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Version of this form.
    pub form: u32,
    /// Site; empty for all sites of the store.
    pub site: String,
    /// The span of time.
    pub window: Span,
    /// The week in one sentence.
    pub headline: String,
    /// The week's numbers with last week's beside them.
    pub totals: Totals,
    /// What to do next, most important first.
    pub actions: Vec<String>,
    /// Services whose first use or visit lies in the window.
    pub new_this_week: Vec<NewService>,
    /// Every service that was in contact, strongest use first.
    pub services: Vec<ServiceRow>,
    /// Unapproved and prohibited services by department.
    pub unapproved: Matrix,
    /// Content bytes sent to services in use, by policy status.
    pub uploads_by_status: Vec<StatusBytes>,
    /// Services by content bytes sent.
    pub uploads: Vec<UploadRow>,
    /// Uploads that are not usual or over the policy's limit, the largest first.
    pub unusual_uploads: Vec<UnusualUpload>,
    /// Model servers in the own network.
    pub local_models: Vec<LocalModel>,
    /// Model weights that were fetched.
    pub model_downloads: Vec<ModelDownload>,
    /// How services were reached.
    pub access: Vec<AccessRow>,
    /// Thirteen weeks, this one last, all judged by today's policy.
    pub trend: Vec<TrendWeek>,
    /// Departments with at least five devices that used AI.
    pub departments: Vec<DepartmentRow>,
    /// Findings by service, most severe status first.
    pub findings_by_service: Vec<ServiceFindings>,
    /// Findings that are open or that something happened to in the window: by lane, soonest deadline first.
    pub findings: Vec<FindingRow>,
    /// What the devices of `findings` are called, by device; one without a name and an owner is left out.
    pub device_names: Vec<DeviceName>,
    /// How the findings that opened in the window were told.
    pub announced: Announced,
    /// Devices of which less can be told than before, by department.
    pub visibility_lost: Vec<VisibilityLost>,
    /// Reviews of the policy that are due, or will be within 30 days.
    pub reviews: Vec<ReviewRow>,
    /// Suppressions that have expired, or will within 30 days.
    pub exceptions: Vec<ExceptionRow>,
    /// What the sensor saw and could not see.
    pub coverage: Coverage,
    /// What the numbers rest on.
    pub method: Method,
}

/// The report's span of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Span {
    /// First instant inside, RFC 3339 UTC.
    pub from: String,
    /// First instant outside, RFC 3339 UTC.
    pub to: String,
    /// ISO week, `2026-W46`.
    pub week: String,
    /// Time zone of the site.
    pub time_zone: String,
    /// Length in hours: 167 or 169 when the clocks change.
    pub hours: i64,
    /// Newest fact in the window, RFC 3339 UTC; clocks are read at this instant. Absent when there is none.
    pub facts_until: Option<String>,
}

/// A number and the same number of the week before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Pair {
    /// This week.
    pub now: u64,
    /// The week before; absent when the sensor saw nothing then.
    pub before: Option<u64>,
}

/// The report's headline numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Services in use.
    pub services_used: Pair,
    /// Services in use on at least one device for which the policy has not approved them.
    pub unapproved_services_used: Pair,
    /// Services first used or visited in the week.
    pub new_services: Pair,
    /// Devices that used at least one service.
    pub devices: Pair,
    /// Content bytes sent to services in use.
    pub bytes_uploaded: Pair,
    /// Findings that are open, first sights left out; the week before: at its end.
    pub findings_open: Pair,
    /// Of these, findings whose deadline was missed.
    pub findings_late: Pair,
    /// Deadlines of the week that were met.
    pub deadlines_met: Pair,
    /// Deadlines of the week that were missed.
    pub deadlines_missed: Pair,
    /// Deadlines that still run.
    pub deadlines_running: Pair,
}

/// What the numbers rest on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Method {
    /// Version of the catalogue that names and categories come from.
    pub catalogue: String,
    /// Name and version of the policy that judged.
    pub policy: String,
    /// Version of the program.
    pub binary: String,
    /// What this report cannot say.
    pub limits: Vec<String>,
    /// What was folded or left out of the departments; empty when nothing was.
    pub departments: String,
}
