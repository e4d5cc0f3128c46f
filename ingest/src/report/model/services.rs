//! Tables about services, their use and their users.

use serde::Serialize;

/// A service that was not there before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewService {
    /// Service id.
    pub service: String,
    /// Name.
    pub name: String,
    /// Vendor; empty when the catalogue no longer knows the service.
    pub vendor: String,
    /// Category.
    pub category: String,
    /// Policy status.
    pub status: String,
    /// Best evidence of use.
    #[serde(rename = "use")]
    pub usage: String,
    /// Devices.
    pub devices: u64,
    /// First packet, RFC 3339 UTC.
    pub first_seen: String,
}

/// One service in the window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceRow {
    /// Service id.
    pub service: String,
    /// Name.
    pub name: String,
    /// Category.
    pub category: String,
    /// Policy status; where it differs between devices, the one that matters most.
    pub status: String,
    /// True when the status differs between devices.
    pub status_varies: bool,
    /// Best evidence of use: `nothing`, `visited`, `shared`, `used`.
    #[serde(rename = "use")]
    pub usage: String,
    /// Devices with more than telemetry (all devices when `use` is `nothing`).
    pub devices: u64,
    /// Devices that used it.
    pub devices_used: u64,
    /// Flows that began.
    pub flows: u64,
    /// Exchanges: something sent and answered.
    pub turns: u64,
    /// What it was used for: the weightiest of `behaviours`; empty when that is not known.
    pub behaviour: String,
    /// All that its flows were for, lightest first.
    pub behaviours: Vec<String>,
    /// Kinds of client: `browser`, `program`, `unknown`.
    pub clients: Vec<String>,
    /// Payload bytes from the clients.
    pub bytes_up: u64,
    /// Payload bytes from the servers.
    pub bytes_down: u64,
    /// The part of `bytes_up` that can carry content.
    pub upload_bytes: u64,
    /// First packet in the window, RFC 3339 UTC.
    pub first_seen: String,
    /// Last packet in the window, RFC 3339 UTC.
    pub last_seen: String,
}

/// Services that are used without approval, by department.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Matrix {
    /// Columns; empty when no department may be shown.
    pub departments: Vec<String>,
    /// One row per service.
    pub rows: Vec<MatrixRow>,
}

/// One service of the matrix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MatrixRow {
    /// Service id.
    pub service: String,
    /// Name.
    pub name: String,
    /// Policy status that matters most.
    pub status: String,
    /// Devices per column: a number, `< 5`, or empty.
    pub cells: Vec<String>,
    /// Devices that used it without approval.
    pub devices: u64,
    /// Content bytes they sent.
    pub upload_bytes: u64,
    /// Who has to decide next.
    pub decision: String,
}

/// Content bytes of one policy status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatusBytes {
    /// Policy status.
    pub status: String,
    /// Content bytes sent to services in use.
    pub upload_bytes: u64,
    /// Services.
    pub services: u64,
}

/// Content bytes of one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UploadRow {
    /// Service id.
    pub service: String,
    /// Name.
    pub name: String,
    /// Policy status that matters most.
    pub status: String,
    /// `used` or `shared`; what went to a shared host may have nothing to do with AI.
    #[serde(rename = "use")]
    pub usage: String,
    /// Devices.
    pub devices: u64,
    /// Content bytes.
    pub upload_bytes: u64,
    /// Largest single burst, bytes.
    pub largest_burst: u64,
}

/// One way to reach services.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccessRow {
    /// `web`, `api`, `local`, `embedded`.
    pub access: String,
    /// `used`, `shared` or `visited`.
    #[serde(rename = "use")]
    pub usage: String,
    /// Services.
    pub services: u64,
    /// Devices.
    pub devices: u64,
    /// Exchanges.
    pub turns: u64,
    /// Content bytes sent.
    pub upload_bytes: u64,
}

/// One week of the trend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrendWeek {
    /// ISO week.
    pub week: String,
    /// False when the sensor saw nothing: the zeros are then no measurement.
    pub seen: bool,
    /// Services in use.
    pub services_used: u64,
    /// Of these, in use without approval.
    pub unapproved_services_used: u64,
    /// Devices that used at least one.
    pub devices: u64,
    /// Content bytes sent.
    pub bytes_uploaded: u64,
    /// Of these, without approval.
    pub bytes_uploaded_unapproved: u64,
}

/// One department.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DepartmentRow {
    /// Label of the policy's group; `other` for those folded together.
    pub department: String,
    /// Devices that used AI; never fewer than five.
    pub devices: u64,
    /// Services in use.
    pub services_used: u64,
    /// Of these, in use without approval.
    pub unapproved_services_used: u64,
    /// Exchanges.
    pub turns: u64,
    /// Content bytes sent.
    pub upload_bytes: u64,
}
