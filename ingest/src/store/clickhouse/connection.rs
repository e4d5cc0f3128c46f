//! The HTTP client and the runtime that it runs on, behind calls that block and always end.

use std::future::Future;
use std::time::Duration;

use clickhouse::{Client, Row, RowOwned, RowRead, RowWrite};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::runtime::Runtime;

use super::error::ClickHouseError;
use super::target::{ClickHouseTarget, TargetError};
use crate::tls;

/// A host that does not answer the handshake in this time is away.
const CONNECT: Duration = Duration::from_secs(10);

/// A connection to one database.
pub(super) struct Connection {
    client: Client,
    runtime: Runtime,
    name: String,
    database: String,
    limit: Duration,
}

impl Connection {
    pub(super) fn new(target: ClickHouseTarget) -> Result<Self, TargetError> {
        let name = target.to_string();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| TargetError::System(e.to_string()))?;
        let mut client = client(&target)?.with_url(target.http());
        client = client.with_user(target.user.as_deref().unwrap_or("default"));
        if let Some(password) = &target.password {
            client = client.with_password(password.expose());
        }
        client = client.with_product_info("shadowtap", env!("CARGO_PKG_VERSION"));
        Ok(Self { client, runtime, name, database: target.database, limit: target.timeout })
    }

    /// The name for messages: no user, no password.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn database(&self) -> &str {
        &self.database
    }

    /// Runs a statement outside of the database, which may not be there yet.
    pub(super) fn execute_outside(&self, sql: &str) -> Result<(), ClickHouseError> {
        self.wait(self.client.query_raw(sql).execute())
    }

    /// Runs a statement.
    pub(super) fn execute(&self, sql: &str) -> Result<(), ClickHouseError> {
        self.wait(self.inside().query_raw(sql).execute())
    }

    /// Asks a question with server-side parameters.
    pub(super) fn rows<T: RowOwned + RowRead>(
        &self,
        sql: &str,
        parameters: &[(&str, String)],
    ) -> Result<Vec<T>, ClickHouseError> {
        self.ask(&self.inside(), sql, parameters)
    }

    /// The same outside of the database.
    pub(super) fn rows_outside<T: RowOwned + RowRead>(
        &self,
        sql: &str,
        parameters: &[(&str, String)],
    ) -> Result<Vec<T>, ClickHouseError> {
        self.ask(&self.client, sql, parameters)
    }

    fn ask<T: RowOwned + RowRead>(
        &self,
        client: &Client,
        sql: &str,
        parameters: &[(&str, String)],
    ) -> Result<Vec<T>, ClickHouseError> {
        let query = client.query_raw(sql);
        let query = parameters.iter().fold(query, |query, (name, value)| query.param(name, value));
        self.wait(query.fetch_all::<T>())
    }

    /// Sends rows as one block of one INSERT, which the server does once however often it is sent.
    pub(super) fn insert<T>(&self, table: &str, token: &str, rows: &[T::Value<'_>]) -> Result<(), ClickHouseError>
    where
        T: Row + RowWrite,
    {
        self.work(true, async {
            let mut insert = self.inside().insert::<T>(table).await?;
            for (name, value) in INSERT_SETTINGS {
                insert = insert.with_setting(name, value);
            }
            insert = insert.with_setting("insert_deduplication_token", token);
            for row in rows {
                insert.write(row).await?;
            }
            insert.end().await
        })
    }

    fn inside(&self) -> Client {
        self.client.clone().with_database(self.database.as_str())
    }

    fn wait<T>(
        &self,
        work: impl Future<Output = Result<T, clickhouse::error::Error>>,
    ) -> Result<T, ClickHouseError> {
        self.work(false, work)
    }

    fn work<T>(
        &self,
        carries_rows: bool,
        work: impl Future<Output = Result<T, clickhouse::error::Error>>,
    ) -> Result<T, ClickHouseError> {
        // The timer is made inside of the runtime: it needs its clock.
        let done = self.runtime.block_on(async { tokio::time::timeout(self.limit, work).await });
        let done = done.unwrap_or(Err(clickhouse::error::Error::TimedOut));
        done.map_err(|error| ClickHouseError::of(&self.name, &error, carries_rows))
    }
}

/// One INSERT is one block with one token, in every table that it reaches.
const INSERT_SETTINGS: [(&str, &str); 8] = [
    ("async_insert", "0"),
    ("insert_deduplicate", "1"),
    // A view that a crash kept from its rows gets them at the next try; one that has them does not take them again.
    ("deduplicate_blocks_in_dependent_materialized_views", "1"),
    // On a cluster: the rows are in their shards when the server says so, and under this token.
    ("distributed_foreground_insert", "1"),
    // A block is never cut: a batch has at most 100,000 records, of which the widest has some 20 rows.
    ("max_insert_block_size", "4194304"),
    ("min_insert_block_size_rows", "4194304"),
    ("min_insert_block_size_bytes", "0"),
    // An old capture may reach over more than 100 days.
    ("max_partitions_per_insert_block", "0"),
];

fn client(target: &ClickHouseTarget) -> Result<Client, TargetError> {
    let mut tcp = HttpConnector::new();
    tcp.set_connect_timeout(Some(CONNECT));
    tcp.set_nodelay(true);
    tcp.enforce_http(false);
    let builder = hyper_util::client::legacy::Client::builder(TokioExecutor::new());
    // No connection is kept: between two calls nothing runs that would notice its end.
    let mut builder = builder;
    builder.pool_max_idle_per_host(0);
    if !target.secure {
        return Ok(Client::with_http_client(builder.build(tcp)));
    }
    let config = tls::config(&target.tls)?;
    let https =
        HttpsConnectorBuilder::new().with_tls_config(config).https_only().enable_http1().wrap_connector(tcp);
    Ok(Client::with_http_client(builder.build(https)))
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.name)
    }
}
