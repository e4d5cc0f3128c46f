-- Opinion: what the policy says about the facts, with its clocks. Times are µs since the Unix epoch, UTC.

CREATE TABLE finding (
    uid           TEXT NOT NULL PRIMARY KEY,  -- hash of site, rule, device and service
    site          TEXT NOT NULL,
    sensor        TEXT NOT NULL,
    rule          TEXT NOT NULL,              -- unapproved-use, prohibited-use
    device        TEXT NOT NULL,
    service       TEXT NOT NULL,
    state         TEXT NOT NULL,              -- watch (contact, no use yet), open, closed
    status        TEXT NOT NULL,              -- policy status
    severity      INTEGER NOT NULL,           -- 0 to 10
    why           TEXT NOT NULL,              -- the policy's reason, with file and line
    group_id      TEXT,
    group_name    TEXT,
    service_name  TEXT NOT NULL,
    vendor        TEXT NOT NULL,
    category      TEXT NOT NULL,
    host          TEXT,
    evidence      TEXT NOT NULL,
    strength      TEXT NOT NULL,
    access        TEXT NOT NULL,
    client_ip     TEXT NOT NULL,
    client_mac    TEXT,
    server_ip     TEXT NOT NULL,
    server_port   INTEGER NOT NULL,
    transport     TEXT NOT NULL,
    protocol      TEXT NOT NULL,
    community_id  TEXT NOT NULL,
    earlier       INTEGER NOT NULL,           -- findings of this device that were there before
    count         INTEGER NOT NULL,           -- flows
    turns         INTEGER NOT NULL,
    bytes_up      INTEGER NOT NULL,
    bytes_down    INTEGER NOT NULL,
    upload_bytes  INTEGER NOT NULL,
    first_seen    INTEGER NOT NULL,
    last_seen     INTEGER NOT NULL,
    detected_at   INTEGER,                    -- packet time of the record that showed use; absent in watch
    report_due_at INTEGER,
    policy        TEXT NOT NULL,              -- name and version
    catalogue     TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX finding_by_device ON finding (site, device);

-- Flow records that are already counted in a finding, so that a repeated segment changes nothing.
CREATE TABLE judged (
    flow_id TEXT NOT NULL,
    seq     INTEGER NOT NULL,
    PRIMARY KEY (flow_id, seq)
) WITHOUT ROWID;

-- Events on their way to a SIEM: one row per finding event and sink.
CREATE TABLE siem_outbox (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    uid    TEXT NOT NULL,
    action TEXT NOT NULL,                     -- create
    sink   TEXT NOT NULL,
    event  TEXT NOT NULL,
    sent   INTEGER NOT NULL DEFAULT 0,
    UNIQUE (uid, action, sink)
);
CREATE INDEX siem_waiting ON siem_outbox (sink, id) WHERE sent = 0;
