-- What flows were for, who made them, what could be named per device, and unlisted domains that look like AI services.

ALTER TABLE flow ADD COLUMN emitted INTEGER NOT NULL DEFAULT 0;          -- packet time of writing, µs
ALTER TABLE flow ADD COLUMN client TEXT NOT NULL DEFAULT 'unknown';      -- browser, program, unknown
ALTER TABLE flow ADD COLUMN behaviour TEXT NOT NULL DEFAULT 'idle';      -- what the flow was for so far
ALTER TABLE flow ADD COLUMN endpoint TEXT;                               -- what a local model server speaks
CREATE INDEX flow_by_emission ON flow (emitted, flow_id, seq);

ALTER TABLE usage ADD COLUMN clients INTEGER NOT NULL DEFAULT 0;         -- bit set, in the order of the client kinds
ALTER TABLE usage ADD COLUMN behaviours INTEGER NOT NULL DEFAULT 0;      -- bit set, in the order of the behaviours

CREATE TABLE visibility (
    sensor          TEXT NOT NULL,
    source          TEXT NOT NULL,
    start           INTEGER NOT NULL,
    device          TEXT NOT NULL,
    site            TEXT NOT NULL,
    client_ip       TEXT NOT NULL,
    ai_flows        INTEGER NOT NULL,
    named_flows     INTEGER NOT NULL,
    named_frames    INTEGER NOT NULL,
    named_bytes     INTEGER NOT NULL,
    nameless_flows  INTEGER NOT NULL,
    nameless_frames INTEGER NOT NULL,
    nameless_bytes  INTEGER NOT NULL,
    PRIMARY KEY (sensor, source, start, device)
) WITHOUT ROWID;
CREATE INDEX visibility_by_time ON visibility (site, start);

CREATE TABLE visibility_hidden (
    sensor TEXT NOT NULL, source TEXT NOT NULL, start INTEGER NOT NULL, device TEXT NOT NULL, word TEXT NOT NULL,
    flows INTEGER NOT NULL, frames INTEGER NOT NULL, bytes INTEGER NOT NULL,
    PRIMARY KEY (sensor, source, start, device, word)
) WITHOUT ROWID;

CREATE TABLE candidate (
    sensor          TEXT NOT NULL,
    source          TEXT NOT NULL,
    start           INTEGER NOT NULL,
    domain          TEXT NOT NULL,
    site            TEXT NOT NULL,
    host            TEXT NOT NULL,
    devices         INTEGER NOT NULL,
    flows           INTEGER NOT NULL,
    streaming_flows INTEGER NOT NULL,
    program_flows   INTEGER NOT NULL,
    turns           INTEGER NOT NULL,
    upload_bytes    INTEGER NOT NULL,
    bytes_down      INTEGER NOT NULL,
    PRIMARY KEY (sensor, source, start, domain)
) WITHOUT ROWID;
CREATE INDEX candidate_by_time ON candidate (site, start);
