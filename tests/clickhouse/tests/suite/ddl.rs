//! The SQL that `shadowtap store` prints, on the real engine: all of it parsed, the schema run, its tables compared; and
//! the program on a schema that somebody else made. What needs a keeper or stored users is parsed alone.

use ingest::store::clickhouse::{ClickHouseError, Ddl, Grants, Keep};
use ingest::store::{Inserted, Store, StoreError};
use ingest::time::Window;
use sensor::record::Record;

use crate::facts::{embedded, facts};
use crate::faults::of_site;
use crate::findings::told;
use crate::sample::*;
use crate::server::{Engine, Server, answers, engine, server};

/// A cluster of one shard, the engine itself. It opens no port, so a second shard is not to be had.
const CLUSTER: &str = "<tcp_port>9000</tcp_port><remote_servers><two>\
    <shard><replica><host>127.0.0.1</host><port>9000</port></replica></shard></two></remote_servers>";

/// What the front itself needs, and what a sender is granted.
const SENDER: &str = "<grants><query>GRANT SELECT, INSERT ON test.*</query>\
    <query>GRANT SELECT ON system.tables</query><query>GRANT SHOW DATABASES ON *.*</query>\
    <query>GRANT CREATE TEMPORARY TABLE, FILE, REMOTE ON *.*</query></grants>";

fn ddl(database: &str, cluster: Option<&str>) -> Ddl {
    let keep = Keep { raw_days: 0, rollup_days: 0, findings_days: 0 };
    Ddl { database: database.to_owned(), cluster: cluster.map(str::to_owned), keep }
}

fn statements(sql: &str) -> impl Iterator<Item = &str> {
    sql.split(";\n").map(str::trim).filter(|statement| !statement.is_empty())
}

/// The cluster's form as one server without a keeper can run it.
fn without_keeper(sql: &str) -> String {
    let sql =
        sql.replace(" ON CLUSTER 'two'", "").replace("replicated_deduplication_window_seconds = 315360000, ", "");
    let sql = sql.replace("replicated_deduplication_window", "non_replicated_deduplication_window");
    let sql = sql.replace("('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')", "");
    sql.replace("ENGINE = Replicated", "ENGINE = ")
}

/// The cluster's schema, made by its administrator.
fn on_a_cluster(engine: &Engine) -> Server {
    let server = engine.server();
    let sql = without_keeper(&ddl("test", Some("two")).schema().unwrap());
    statements(&sql).for_each(|statement| drop(server.sql_outside(statement)));
    server
}

#[test]
fn every_statement_is_understood() {
    let Some(server) = server() else { return };
    let all = Grants { writer: "writer".to_owned(), reader: "reader".to_owned(), sites: Vec::new() };
    let one = Grants { sites: vec!["hq".to_owned(), "O'Hare \\ `x`; --".to_owned()], ..all.clone() };
    let mut seen = 0;
    for cluster in [None, Some("two"), Some("{cluster}"), Some("eu-1.x")] {
        let ddl = Ddl { keep: Keep::default(), ..ddl("shadowtap", cluster) };
        for sql in [ddl.schema().unwrap(), ddl.grants(&all).unwrap(), ddl.grants(&one).unwrap()] {
            for statement in statements(&sql) {
                let quoted = statement.replace('\\', "\\\\").replace('\'', "\\'");
                let formatted = server.sql_outside(&format!("SELECT formatQuery('{quoted}')"));
                assert!(!formatted.is_empty());
                if cluster.is_some() && !statement.contains("INSERT INTO") {
                    assert!(formatted.contains("ON CLUSTER"), "{formatted}");
                }
                seen += 1;
            }
        }
    }
    assert!(seen > 200, "{seen}");
}

#[test]
fn the_printed_schemas_are_the_programs_schema() {
    let Some(server) = server() else { return };
    let mut store = server.store();
    store.insert("schema", &[]).unwrap();
    let (program, plain) = (server.target.database.clone(), format!("{}_plain", server.target.database));
    let cluster = format!("{}_cluster", server.target.database);
    statements(&ddl(&plain, None).schema().unwrap()).for_each(|statement| drop(server.sql_outside(statement)));
    let sql = without_keeper(&ddl(&cluster, Some("two")).schema().unwrap());
    // Not the tables over shards: they are not made here, and what changes one changes its local table as well.
    let over_shards = |statement: &str| {
        statement.contains("Distributed") || statement.contains("ALTER TABLE ") && !statement.contains("_local ")
    };
    let own = |statement: &&str| !over_shards(statement) && !statement.contains("INSERT INTO");
    statements(&sql).filter(own).for_each(|statement| drop(server.sql_outside(statement)));
    let columns = |database: &str| {
        server.sql_outside(&format!(
            "SELECT replaceOne(table, '_local', '') AS name, position, name, type, default_kind, default_expression, \
             compression_codec, is_in_partition_key, is_in_sorting_key FROM system.columns \
             WHERE database = '{database}' ORDER BY 1, 2"
        ))
    };
    let tables = |database: &str| {
        server.sql_outside(&format!(
            "SELECT replaceOne(name, '_local', ''), engine, partition_key, sorting_key, \
             extract(engine_full, 'SETTINGS .*') FROM system.tables WHERE database = '{database}' ORDER BY 1"
        ))
    };
    assert!(columns(&program).lines().count() > 150);
    for other in [&plain, &cluster] {
        assert_eq!(columns(other), columns(&program), "{other}");
        assert_eq!(tables(other), tables(&program), "{other}");
    }
    let version =
        |database: &str| server.sql_outside(&format!("SELECT max(version) FROM {database}.schema_version"));
    assert_eq!(version(&plain), version(&program));
    for database in [&plain, &cluster] {
        server.sql_outside(&format!("DROP DATABASE {database}"));
    }
}

#[test]
fn a_sender_without_the_right_to_make_anything_delivers_into_a_ready_schema() {
    let Some(mut engine) = engine() else { return };
    let server = engine.server();
    statements(&ddl("test", None).schema().unwrap()).for_each(|statement| drop(server.sql_outside(statement)));
    engine.configure("", SENDER);
    let server = engine.server();
    let refused = server.sql_try("CREATE TABLE more (a Int8) ENGINE = MergeTree ORDER BY a");
    assert_eq!(refused, None, "the engine holds the user to its grants");
    let records = facts();
    let (_dir, sqlite) = embedded(&records);
    let mut store = server.store();
    assert_eq!(store.insert("a", &records).unwrap().new, records.len() as u64);
    assert_eq!(answers(&store), answers(&sqlite));
    assert_eq!(server.store().insert("a", &records).unwrap(), Inserted { new: 0, known: records.len() as u64 });
}

#[test]
fn through_distributed_tables_each_fact_counts_once() {
    let Some(mut engine) = engine() else { return };
    engine.configure(CLUSTER, "");
    on_a_cluster(&engine);
    engine.configure(CLUSTER, SENDER);
    let all = [of_site(&facts(), "hq"), of_site(&facts(), "branch")].concat();
    let (_dir, sqlite) = embedded(&all);
    let complete = answers(&sqlite);
    let read = |store: &dyn Store| -> Vec<Record> {
        let facts = store.facts("", Window { from: i64::MIN, to: i64::MAX }).unwrap();
        facts.map(Result::unwrap).collect()
    };
    let server = engine.server();
    assert_eq!(server.store().insert("a", &all).unwrap().new, all.len() as u64);
    assert_eq!(answers(&server.store()), complete);
    assert_eq!(read(&server.store()), read(&sqlite));
    assert_eq!(server.store().insert("b", &all).unwrap().known, all.len() as u64, "the same capture read twice");
    // The batch's own row is gone: the tokens of the blocks have to do.
    engine.configure(CLUSTER, "");
    engine.server().sql("DELETE FROM batch_local WHERE 1");
    engine.configure(CLUSTER, SENDER);
    let server = engine.server();
    server.store().insert("a", &all).unwrap();
    assert_eq!(answers(&server.store()), complete, "sent again");
    assert_eq!(server.sql("SELECT count() FROM flow_local"), server.sql("SELECT count() FROM flow"));
}

#[test]
fn a_cluster_that_is_behind_is_left_alone() {
    let Some(mut engine) = engine() else { return };
    engine.configure(CLUSTER, "");
    let server = on_a_cluster(&engine);
    server.sql("ALTER TABLE schema_version_local DELETE WHERE version > 1 SETTINGS mutations_sync = 1");
    let before = server.sql("SELECT count() FROM system.tables");
    let error = server.store().insert("a", &[minute_record(MONDAY)]).unwrap_err();
    assert!(
        matches!(&error, StoreError::ClickHouse(ClickHouseError::Cluster { found: 1, .. })) && !error.retry(),
        "{error}"
    );
    assert_eq!(server.sql("SELECT count() FROM system.tables"), before);
}

/// The engine stores no users, so the conditions of the printed policies are given to its one user by configuration.
#[test]
fn the_conditions_of_the_row_policies_hide_other_sites() {
    let Some(mut engine) = engine() else { return };
    engine.configure(CLUSTER, "");
    let server = on_a_cluster(&engine);
    let site = "O'Hare \\ 1";
    let (own, other) = (of_site(&facts(), site), of_site(&facts(), "hq"));
    server.store().insert("own", &own).unwrap();
    server.store().insert("other", &other).unwrap();
    for records in [&own, &other] {
        server.store().insert_findings(&told(records)).unwrap();
    }
    let who = Grants { writer: "w".to_owned(), reader: "r".to_owned(), sites: vec![site.to_owned()] };
    let sql = ddl("test", Some("two")).grants(&who).unwrap();
    let policies = statements(&sql).filter_map(|s| s.split_once(" ON `test`.")?.1.split_once(" FOR SELECT USING "));
    let policies: Vec<(&str, &str)> = policies
        .filter_map(|(table, rest)| Some((table, rest.split_once(" TO ")?.0)))
        .filter(|(t, _)| *t != "*")
        .collect();
    assert!(policies.len() >= 18, "{policies:?}");
    let filters = policies.iter().map(|(table, filter)| format!("<{table}><filter>{filter}</filter></{table}>"));
    let filters = filters.collect::<String>();
    engine.configure(CLUSTER, &format!("<databases><test>{filters}</test></databases>"));
    let server = engine.server();
    let (_dir, sqlite) = embedded(&own);
    assert_eq!(answers(&server.store()), answers(&sqlite), "all questions, about all sites");
    let with_site = "SELECT name FROM system.tables WHERE database = 'test' AND name IN \
                     (SELECT table FROM system.columns WHERE database = 'test' AND name = 'site')";
    let tables = server.sql(with_site);
    assert!(tables.lines().count() >= 9, "{tables}");
    for table in tables.lines() {
        let sites = server.sql(&format!("SELECT DISTINCT site FROM {table} FORMAT TSVRaw"));
        assert_eq!(sites, site, "{table}");
    }
}
