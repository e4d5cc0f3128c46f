//! Users, limits and row policies as SQL for an administrator.

use super::ddl::{Ddl, Readable, joined};
use super::names::{DdlError, identifier, site, user};

/// A hash that no password has: the user cannot log in until somebody sets a password.
const NO_PASSWORD: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What one question of a reader may cost, and the least that it may ask for: 0 would mean no limit.
const LIMITS: [(&str, u64); 6] = [
    ("max_execution_time", 60),
    ("max_rows_to_read", 2_000_000_000),
    ("max_bytes_to_read", 200_000_000_000),
    ("max_memory_usage", 4_000_000_000),
    ("max_result_rows", 1_000_000),
    ("max_concurrent_queries_for_user", 20),
];

/// Who may do what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grants {
    /// The user of the sensors.
    pub writer: String,
    /// A user who reads: reports, Grafana.
    pub reader: String,
    /// The sites that the reader sees; empty for all.
    pub sites: Vec<String>,
}

impl Ddl {
    /// The statements that make both users, their rights and limits. They may run twice; passwords stay.
    ///
    /// # Errors
    /// A name that cannot be one.
    pub fn grants(&self, who: &Grants) -> Result<String, DdlError> {
        Ok(joined(&[self.writer(who)?, self.reader(who)?].concat()))
    }

    fn writer(&self, who: &Grants) -> Result<Vec<String>, DdlError> {
        let (on, writer, database) = (self.on_cluster()?, user(&who.writer)?, self.database());
        // On a cluster the administrator makes the schema; elsewhere the program does.
        let makes = if self.cluster.is_some() { "" } else { ", CREATE TABLE, CREATE VIEW, ALTER TTL" };
        let mut all = vec![
            format!(
                "-- Nobody can log in before: ALTER USER {writer}{on} IDENTIFIED WITH sha256_password BY '...'\n\
                 CREATE USER IF NOT EXISTS {writer}{on} IDENTIFIED WITH sha256_hash BY '{NO_PASSWORD}'"
            ),
            format!("GRANT{on} SELECT, INSERT{makes} ON {database}.* TO {writer}"),
            format!("GRANT{on} SELECT ON system.tables TO {writer}"),
        ];
        if !who.sites.is_empty() {
            let policy = identifier(&format!("shadowtap_{}", who.writer));
            all.push(format!(
                "-- Where a server shows nothing to users without a policy: a sender that cannot see what is in would \
                 send it twice.\n\
                 CREATE ROW POLICY OR REPLACE {policy}{on} ON {database}.* FOR SELECT USING 1 TO {writer}"
            ));
        }
        Ok(all)
    }

    fn reader(&self, who: &Grants) -> Result<Vec<String>, DdlError> {
        let (on, reader) = (self.on_cluster()?, user(&who.reader)?);
        let policy = identifier(&format!("shadowtap_{}", who.reader));
        let limits: Vec<String> = LIMITS.map(|(name, most)| format!("{name} = {most} MIN 1 MAX {most}")).into();
        let mut all = vec![
            format!(
                "-- 2 and not 1: Grafana sets settings with each question. It writes nothing with 2 either.\n\
                 CREATE SETTINGS PROFILE OR REPLACE {policy}{on} SETTINGS readonly = 2,\n    {}",
                limits.join(",\n    ")
            ),
            format!(
                "-- Nobody can log in before: ALTER USER {reader}{on} IDENTIFIED WITH sha256_password BY '...'\n\
                 CREATE USER IF NOT EXISTS {reader}{on} IDENTIFIED WITH sha256_hash BY '{NO_PASSWORD}' \
                 SETTINGS PROFILE {policy}"
            ),
            format!("GRANT{on} SELECT ON system.tables TO {reader}"),
        ];
        if who.sites.is_empty() {
            all.push(format!("GRANT{on} SELECT ON {}.* TO {reader}", self.database()));
            return Ok(all);
        }
        let sites = who.sites.iter().map(|name| site(name)).collect::<Result<Vec<_>, _>>()?.join(", ");
        let readable = self.readable();
        all.push(format!("REVOKE{on} SELECT ON {}.* FROM {reader}", self.database()));
        for table in readable.iter().filter(|table| table.has_site) {
            all.push(format!(
                "CREATE ROW POLICY OR REPLACE {policy}{on} ON {} FOR SELECT USING site IN ({sites}) TO {reader}",
                self.qualified(&table.name)
            ));
        }
        // Table by table, and behind the policies: what a later version brings is not seen before this was run again.
        let seen = |table: &&Readable| !table.inner && (table.has_site || table.name.starts_with("schema_version"));
        for table in readable.iter().filter(seen) {
            all.push(format!("GRANT{on} SELECT ON {} TO {reader}", self.qualified(&table.name)));
        }
        Ok(all)
    }
}
