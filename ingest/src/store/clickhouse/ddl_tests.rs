//! The printed SQL, word by word where that tells more than a rule.

use super::*;
use crate::store::clickhouse::Grants;

fn plain() -> Ddl {
    Ddl { database: "shadowtap".to_owned(), cluster: None, keep: Keep::default() }
}

fn clustered() -> Ddl {
    Ddl { cluster: Some("{cluster}".to_owned()), ..plain() }
}

/// Compares with a file; `SHADOWTAP_BLESS=1` writes it instead.
fn golden(name: &str, text: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ddl").join(name);
    if std::env::var_os("SHADOWTAP_BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == text, "{}: SHADOWTAP_BLESS=1 writes it anew; then look at the difference", path.display());
}

#[test]
fn the_printed_sql_is_that_of_the_files() {
    let all = Grants { writer: "writer".to_owned(), reader: "reader".to_owned(), sites: Vec::new() };
    let one = Grants { sites: vec!["hq".to_owned(), "O'Hare".to_owned()], ..all.clone() };
    golden("plain.sql", &plain().schema().unwrap());
    golden("cluster.sql", &clustered().schema().unwrap());
    golden("grants.sql", &plain().grants(&all).unwrap());
    golden("grants_site.sql", &plain().grants(&one).unwrap());
    golden("grants_site_cluster.sql", &clustered().grants(&one).unwrap());
}

/// What the program runs is what is printed, but for the database's name, ages and where a view reads.
#[test]
fn the_plain_form_is_what_the_program_runs() {
    let bare = |text: &str| {
        let text = text.replace("`shadowtap`.", "");
        let lines = text.lines().filter(|line| !line.starts_with("TTL "));
        lines.collect::<Vec<_>>().join("\n")
    };
    let printed = bare(&plain().schema().unwrap());
    for statement in STEPS.iter().flat_map(|step| statements(step)) {
        assert!(printed.contains(&bare(statement.trim_end_matches(';'))), "{statement}");
    }
}

#[test]
fn on_a_cluster_every_table_is_replicated_and_spread_and_remembers_its_tokens() {
    let text = clustered().schema().unwrap();
    let tables = plain().readable().iter().filter(|table| !table.inner).count();
    assert_eq!(text.matches("ENGINE = Replicated").count(), tables);
    assert_eq!(text.matches("ENGINE = Distributed").count(), tables);
    assert!(!text.contains("non_replicated"));
    let windows = plain().schema().unwrap().matches("non_replicated_deduplication_window = 10000").count();
    let kept = "replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 315360000";
    assert_eq!(text.matches(kept).count(), windows);
    for create in text.split(";\n").filter(|s| s.contains("CREATE ")) {
        assert!(create.contains(" ON CLUSTER '{cluster}'"), "{create}");
    }
    assert!(
        text.contains("TO `shadowtap`.usage_hour_local AS") && text.contains("FROM `shadowtap`.flow_local AS flow")
    );
}

#[test]
fn other_statements_of_a_later_step_have_a_form_or_are_an_error() {
    let written = |statement: &str| clustered().written(statement);
    let alter = written("-- why\nALTER TABLE flow ADD COLUMN IF NOT EXISTS more UInt8").unwrap();
    assert_eq!(alter.len(), 2);
    assert!(alter[0].starts_with("-- why\nALTER TABLE `shadowtap`.flow_local ON CLUSTER '{cluster}' ADD COLUMN"));
    assert_eq!(written("ALTER TABLE flow ADD INDEX IF NOT EXISTS i end TYPE minmax").unwrap().len(), 1);
    let newest = written(
        "CREATE TABLE IF NOT EXISTS f (\n    site String,\n    v UInt64\n) ENGINE = ReplacingMergeTree(v)\nORDER BY site",
    );
    assert!(newest.unwrap()[0].contains("'{replica}', v)"));
    let view =
        written("CREATE VIEW IF NOT EXISTS v AS\nSELECT a FROM flow JOIN (SELECT 1 FROM lookup) USING a").unwrap();
    assert!(view[0].contains("FROM `shadowtap`.flow JOIN (SELECT 1 FROM `shadowtap`.lookup) USING a"), "{view:?}");
    assert!(
        written("OPTIMIZE TABLE flow").is_err()
            && written("CREATE TABLE IF NOT EXISTS x (a Int8) ENGINE = Log").is_err()
    );
}

#[test]
fn each_table_that_grows_old_says_so() {
    for ddl in [plain(), clustered()] {
        let text = ddl.schema().unwrap();
        assert_eq!(text.matches("\nTTL ").count(), AGES.len());
        let forever = Ddl { keep: Keep { raw_days: 0, rollup_days: 0, findings_days: 0 }, ..ddl };
        assert!(!forever.schema().unwrap().contains("\nTTL "));
    }
    let bare = "site String) ENGINE = MergeTree\nORDER BY site";
    assert_eq!(plain().aged("flow", bare), format!("{bare}\nTTL day + toIntervalDay(90)"));
}
