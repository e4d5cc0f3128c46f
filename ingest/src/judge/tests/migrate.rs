//! A findings file of the first version opens with all that it held.

use super::*;

const FIRST: &str = include_str!("../../../schema/findings/0001_findings.sql");

#[test]
fn a_file_of_version_one_keeps_its_findings_and_its_events() {
    let dir = tempfile::tempdir().unwrap();
    let file = Connection::open(dir.path().join(FINDINGS_FILE)).unwrap();
    file.execute_batch(FIRST).unwrap();
    file.execute_batch(
        "PRAGMA application_id = 0x53544F01;
         CREATE TABLE schema_version (version INTEGER NOT NULL PRIMARY KEY);
         INSERT INTO schema_version VALUES (1);
         INSERT INTO finding VALUES ('0cfe7ef48ee25468', 'hq', 'tap1', 'prohibited-use', '10.20.1.12', 'deep', 'open',
            'prohibited', 8, 'deep is prohibited', 'finance', 'Finance', 'Deep', 'Deep Ltd', 'chat', 'www.deep.example',
            'sni', 'definite', 'web', '10.20.1.12', '02:77:00:00:00:11', '192.0.2.10', 443, 'tcp', 'tls', '1:x', 0, 1,
            3, 12000, 340000, 9000, 1794211170000000, 1794211200000000, 1794211200000000, 1794214800000000, 'p 1', 'c');
         INSERT INTO finding (uid, site, sensor, rule, device, service, state, status, severity, why, service_name,
            vendor, category, evidence, strength, access, client_ip, server_ip, server_port, transport, protocol,
            community_id, earlier, count, turns, bytes_up, bytes_down, upload_bytes, first_seen, last_seen, policy,
            catalogue)
         VALUES ('00000000000000ff', 'hq', 'tap1', 'unapproved-use', '10.20.1.12', 'chat', 'watch', '', 0, '', '', '',
            '', '', '', '', '', '', 0, '', '', '', 0, 2, 0, 10, 20, 5, 1, 2, '', '');
         INSERT INTO judged VALUES ('f1', 0);
         INSERT INTO siem_outbox (uid, action, sink, event, sent)
         VALUES ('0cfe7ef48ee25468', 'create', 'siem.example:514', '{}', 0);",
    )
    .unwrap();
    drop(file);
    let mut db = FindingsDb::open(dir.path()).unwrap();
    let finding = all(&db).remove(0);
    let contact = finding.contact.clone().unwrap();
    assert_eq!((finding.status, finding.severity, finding.turns), (Some(Status::Prohibited), 8, 3));
    assert_eq!(
        (contact.host.as_deref(), contact.server_port, contact.behaviour),
        (Some("www.deep.example"), 443, None)
    );
    assert_eq!((finding.report_due_at, finding.revision, finding.alerted), (Some(MONDAY + HOUR), 1, true));
    assert_eq!(db.history(&finding.uid).unwrap().len(), 1);
    assert_eq!(waiting(&db, 0)[0].message.revision, 1);
    // It goes on as if nothing had been: the clock runs, the uid is the same, use is counted in it.
    let judged = judge().segment(&mut db, &[flow_record(flow("10.20.1.12", "deep", MONDAY + 2 * HOUR))]).unwrap();
    assert_eq!((judged.opened.len(), judged.missed.len(), all(&db)[0].count), (0, 1, 2));
}
