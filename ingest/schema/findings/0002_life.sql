-- Findings of every kind, with their whole life: acknowledged, closed, missed, opened again. Times are µs UTC.

CREATE TABLE finding_new (
    uid             TEXT NOT NULL PRIMARY KEY,  -- hash of site, rule, device and service
    site            TEXT NOT NULL,              -- '' for what concerns all sites
    sensor          TEXT NOT NULL,
    rule            TEXT NOT NULL,              -- the words of rules::policy::FindingRule
    device          TEXT NOT NULL,
    service         TEXT NOT NULL,
    state           TEXT NOT NULL,              -- watch (contact, no finding yet), open, acknowledged, closed
    status          TEXT,                       -- policy status; absent where no service was judged
    severity        INTEGER NOT NULL,           -- 0 to 10
    why             TEXT NOT NULL,              -- the reason, with the policy's file and line
    group_id        TEXT,
    group_name      TEXT,
    service_name    TEXT NOT NULL,
    vendor          TEXT NOT NULL,
    category        TEXT,
    contact         TEXT,                       -- JSON: the flow that showed it
    detail          TEXT NOT NULL,              -- JSON: what the rule measured
    earlier         INTEGER NOT NULL,           -- findings of this device that were there before
    count           INTEGER NOT NULL,           -- flows
    turns           INTEGER NOT NULL,
    bytes_up        INTEGER NOT NULL,
    bytes_down      INTEGER NOT NULL,
    upload_bytes    INTEGER NOT NULL,
    first_seen      INTEGER NOT NULL,
    last_seen       INTEGER NOT NULL,
    detected_at     INTEGER,                    -- packet time of the record that showed it; absent in watch
    report_due_at   INTEGER,                    -- absent where there is no clock
    acknowledged_at INTEGER,
    acknowledged_by TEXT,
    closed_at       INTEGER,
    closed_by       TEXT,
    closed_reason   TEXT,
    missed_at       INTEGER,                    -- the deadline passed and nobody had taken it on
    occurrences     INTEGER NOT NULL,           -- how often it opened
    revision        INTEGER NOT NULL,           -- changes told since it opened first
    alerted         INTEGER NOT NULL,           -- 1: an event went out as it opened
    held            INTEGER NOT NULL,           -- 1: the caps of the budget held that event back
    devices         INTEGER NOT NULL,           -- devices that it stands for
    told            TEXT NOT NULL,              -- JSON: what the last event said
    policy          TEXT NOT NULL,              -- name and version
    catalogue       TEXT NOT NULL
) WITHOUT ROWID;

INSERT INTO finding_new
SELECT uid, site, sensor, rule, device, service, state,
    CASE WHEN state = 'watch' THEN NULL ELSE status END, severity, why, group_id, group_name, service_name, vendor,
    CASE WHEN state = 'watch' THEN NULL ELSE category END,
    CASE WHEN state = 'watch' THEN NULL ELSE json_object(
        'host', host, 'evidence', evidence, 'strength', strength, 'access', access, 'client_ip', client_ip,
        'client_mac', client_mac, 'server_ip', server_ip, 'server_port', server_port, 'transport', transport,
        'protocol', protocol, 'community_id', community_id) END,
    '{"kind":"none"}', earlier, count, turns, bytes_up, bytes_down, upload_bytes, first_seen, last_seen,
    detected_at, report_due_at, NULL, NULL,
    CASE WHEN state = 'closed' THEN last_seen END, NULL, NULL, NULL,
    state <> 'watch', state <> 'watch', state <> 'watch', 0, 1,
    json_object('at', coalesce(detected_at, 0), 'devices', 1, 'severity', severity, 'upload_bytes', upload_bytes,
        'status', CASE WHEN state = 'watch' THEN NULL ELSE status END),
    policy, catalogue
FROM finding;

DROP TABLE finding;
ALTER TABLE finding_new RENAME TO finding;
CREATE INDEX finding_by_device ON finding (site, device);
CREATE INDEX finding_by_time ON finding (detected_at, uid);

-- What happened to a finding, for the incident form and the audit. Rows are only added.
CREATE TABLE history (
    id   INTEGER PRIMARY KEY AUTOINCREMENT,
    uid  TEXT NOT NULL,
    at   INTEGER NOT NULL,                      -- packet time; the clock's for what people did
    who  TEXT NOT NULL,                         -- shadowtap, or the name that was given
    what TEXT NOT NULL,                         -- opened, reopened, missed, acknowledged, closed, rejudged
    text TEXT NOT NULL
);
CREATE INDEX history_by_finding ON history (uid, id);
INSERT INTO history (uid, at, who, what, text)
SELECT uid, detected_at, 'shadowtap', 'opened', why FROM finding WHERE state <> 'watch' ORDER BY detected_at, uid;

-- Events on their way to a SIEM: one row per finding, revision and sink; uid and revision tell repeats.
CREATE TABLE outbox_new (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    uid        TEXT NOT NULL,
    revision   INTEGER NOT NULL,
    action     TEXT NOT NULL,                   -- create, update, close, digest
    sink       TEXT NOT NULL,
    event      TEXT NOT NULL,
    not_before INTEGER NOT NULL,                -- the end of the quiet hours; 0: at once
    sent       INTEGER NOT NULL DEFAULT 0,
    UNIQUE (uid, revision, sink)
);
INSERT INTO outbox_new SELECT id, uid, 1, action, sink, event, 0, sent FROM siem_outbox;
DROP TABLE siem_outbox;
ALTER TABLE outbox_new RENAME TO siem_outbox;
CREATE INDEX siem_waiting ON siem_outbox (sink, id) WHERE sent = 0;

-- What the judge remembers beside findings, so that a restart changes nothing: sums of running spans, each device's
-- days, the state of each sensor, what the budget has spent. `until` is the time from which on it may be forgotten.
CREATE TABLE memory (
    kind  TEXT NOT NULL,
    key   TEXT NOT NULL,
    until INTEGER NOT NULL,
    value TEXT NOT NULL,                        -- JSON
    PRIMARY KEY (kind, key)
) WITHOUT ROWID;

-- Hourly uploads by which the unusual is told from the usual. Rows grow by increments.
CREATE TABLE volume (
    day           INTEGER NOT NULL,               -- days since 1970 on the site's calendar
    hour          INTEGER NOT NULL,               -- of that day, 0 to 23
    site          TEXT NOT NULL,
    device        TEXT NOT NULL,
    service       TEXT NOT NULL,
    programmatic  INTEGER NOT NULL,               -- 1: the part that programs sent
    department    TEXT,                           -- id of the device's group, as last seen
    first         INTEGER NOT NULL,
    last          INTEGER NOT NULL,
    upload_bytes  INTEGER NOT NULL,
    turns         INTEGER NOT NULL,
    marks         INTEGER NOT NULL,               -- what was unusual in it, one bit each
    stretch_since INTEGER NOT NULL,               -- the latest uploads without a pause
    stretch_last  INTEGER NOT NULL,
    stretch_bytes INTEGER NOT NULL,
    PRIMARY KEY (day, hour, site, device, service, programmatic)
) WITHOUT ROWID;
