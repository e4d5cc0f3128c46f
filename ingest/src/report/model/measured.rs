//! Tables about what rules measured: uploads, local models, lost visibility, the sensor's health.

use serde::Serialize;

/// An upload that is not usual, or over the policy's limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnusualUpload {
    /// The finding's id.
    pub uid: String,
    /// `upload-anomaly` or `upload-limit`.
    pub rule: String,
    /// `burst`, `drip`, `new-hours`, `new-access`; the limit's span (`hour`, `day`, `week`) for `upload-limit`.
    pub what: String,
    /// Device id.
    pub device: String,
    /// Department, folded; empty when none may be shown.
    pub department: String,
    /// Service id.
    pub service: String,
    /// Service name.
    pub name: String,
    /// Policy status at detection.
    pub status: String,
    /// 0 to 10.
    pub severity: u8,
    /// `open`, `acknowledged` or `closed`.
    pub state: String,
    /// `none`, `running`, `met` or `missed`.
    pub clock: String,
    /// True when it was detected in the window.
    pub new: bool,
    /// Content bytes sent in the span.
    pub bytes: u64,
    /// The policy's limit, bytes; absent for `upload-anomaly`.
    pub limit: Option<u64>,
    /// When the span began, RFC 3339 UTC.
    pub since: String,
    /// What is usual for the device, in words with its number; empty for `upload-limit`.
    pub own: String,
    /// The same for its department.
    pub of_department: String,
    /// The same for the other devices that use the service.
    pub of_service: String,
    /// How unusual, in tenths of what is usual; absent for `upload-limit`.
    pub score: Option<u64>,
    /// True while the device's habits are still being learnt.
    pub learning: bool,
    /// What was seen and what the policy says, in words.
    pub observed: String,
}

/// A local model server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LocalModel {
    /// The finding's id.
    pub uid: String,
    /// The server.
    pub device: String,
    /// Its department, folded; empty when none may be shown.
    pub department: String,
    /// Product id.
    pub service: String,
    /// Product.
    pub name: String,
    /// What it speaks; empty where only the port tells.
    pub endpoint: String,
    /// Its port.
    pub port: u16,
    /// Devices that asked it.
    pub clients: u64,
    /// Exchanges.
    pub turns: u64,
    /// Policy status of the server.
    pub status: String,
    /// `open`, `acknowledged` or `closed`.
    pub state: String,
    /// `none`, `running`, `met` or `missed`.
    pub clock: String,
    /// RFC 3339 UTC.
    pub detected_at: String,
}

/// Model weights that were fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelDownload {
    /// The finding's id.
    pub uid: String,
    /// Device id.
    pub device: String,
    /// Department, folded; empty when none may be shown.
    pub department: String,
    /// Registry id.
    pub service: String,
    /// Registry.
    pub name: String,
    /// The host; empty when hidden.
    pub host: String,
    /// Fetched in the day, bytes.
    pub bytes: u64,
    /// From which size on the policy counts a download as a model, bytes.
    pub limit: u64,
    /// Policy status at detection.
    pub status: String,
    /// `open`, `acknowledged` or `closed`.
    pub state: String,
    /// `none`, `running`, `met` or `missed`.
    pub clock: String,
    /// RFC 3339 UTC.
    pub detected_at: String,
}

/// Devices of which less can be told than before, by department.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VisibilityLost {
    /// Department, folded; empty when none may be shown.
    pub department: String,
    /// Devices: a number or `< 5`.
    pub devices: String,
    /// What hides names, in words.
    pub hidden_by: Vec<String>,
}

/// A time in which the sensor did not see everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SensorTrouble {
    /// The finding's id.
    pub uid: String,
    /// The sensor's name.
    pub sensor: String,
    /// `loss`, `mirror`, `silence`, `clock` or `spool`.
    pub what: String,
    /// What was measured, in words.
    pub observed: String,
    /// 0 to 10.
    pub severity: u8,
    /// `open`, `acknowledged` or `closed`.
    pub state: String,
    /// `none`, `running`, `met` or `missed`.
    pub clock: String,
    /// When it began, RFC 3339 UTC.
    pub since: String,
    /// When it had passed or was closed, RFC 3339 UTC; absent while it lasts.
    pub closed_at: Option<String>,
}

/// A review of the policy that is due, or will be within 30 days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReviewRow {
    /// What is to be looked at.
    pub what: String,
    /// `current` (not yet due), `due` or `overdue`.
    pub state: String,
    /// The day.
    pub due: String,
    /// Line in the policy file.
    pub line: u64,
}

/// A suppression of the policy that has expired, or will within 30 days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExceptionRow {
    /// What it holds back, in words.
    pub what: String,
    /// `current` (not yet expired) or `expired`.
    pub state: String,
    /// Its last day.
    pub expires: String,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// Line in the policy file.
    pub line: u64,
}
