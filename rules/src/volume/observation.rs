//! What comes in.

/// A moment on the clock of a site, as far as habits go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LocalTime {
    /// Days since 1970-01-01 on the site's calendar.
    pub day: i32,
    /// Hour of the day, 0 to 23.
    pub hour: u8,
}

/// One increment of upload, as a flow record brought it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observation<'a> {
    /// Name of the site.
    pub site: &'a str,
    /// Stable device id, unique within the site.
    pub device: &'a str,
    /// Id of the device's group in the policy; `None` where it belongs to none.
    pub department: Option<&'a str>,
    /// Id of the service.
    pub service: &'a str,
    /// End of the record's interval, µs UTC.
    pub at: i64,
    /// The same moment on the site's clock.
    pub local: LocalTime,
    /// Content bytes of this record: a delta, never a running total.
    pub upload_bytes: u64,
    /// True where a program spoke, not a browser.
    pub programmatic: bool,
    /// Turns of this record: a delta.
    pub turns: u64,
}
