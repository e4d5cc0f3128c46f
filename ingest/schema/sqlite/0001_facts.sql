-- Facts as the sensor wrote them, and the roll-up that reports read. Times are µs since the Unix epoch, UTC.
-- Field meanings: docs/records.md. Nothing here may hold content, a path, or a sequence of lengths or times.

-- One row per flow record; the byte, packet and turn columns are deltas since the flow's previous record.
CREATE TABLE flow (
    flow_id       TEXT NOT NULL,
    seq           INTEGER NOT NULL,
    last          INTEGER NOT NULL,
    community_id  TEXT NOT NULL,
    sensor        TEXT NOT NULL,
    site          TEXT NOT NULL,
    start         INTEGER NOT NULL,
    end           INTEGER NOT NULL,
    client_ip     TEXT NOT NULL,
    client_port   INTEGER NOT NULL,
    client_mac    TEXT,
    vlan          INTEGER,
    device        TEXT NOT NULL,
    server_ip     TEXT NOT NULL,
    server_port   INTEGER NOT NULL,
    transport     TEXT NOT NULL,
    protocol      TEXT NOT NULL,
    host          TEXT,
    evidence      TEXT NOT NULL,
    candidates    TEXT NOT NULL,   -- JSON list of names
    service       TEXT NOT NULL,
    role          TEXT NOT NULL,
    strength      TEXT NOT NULL,
    plan          TEXT,            -- licence that the name tells
    tenant        TEXT,            -- the customer's own label in the name
    access        TEXT NOT NULL,
    modality      TEXT NOT NULL,
    ech           TEXT NOT NULL,
    alpn          TEXT NOT NULL,   -- JSON list of protocol names
    ja4           TEXT,
    bytes_up      INTEGER NOT NULL,
    bytes_down    INTEGER NOT NULL,
    upload_bytes  INTEGER NOT NULL,
    packets_up    INTEGER NOT NULL,
    packets_down  INTEGER NOT NULL,
    turns         INTEGER NOT NULL,
    largest_burst INTEGER NOT NULL,
    catalogue     TEXT NOT NULL,
    PRIMARY KEY (flow_id, seq)
) WITHOUT ROWID;

CREATE TABLE lookup (
    lookup_id   TEXT NOT NULL PRIMARY KEY,
    sensor      TEXT NOT NULL,
    site        TEXT NOT NULL,
    ts          INTEGER NOT NULL,
    client_ip   TEXT NOT NULL,
    device      TEXT NOT NULL,
    resolver_ip TEXT NOT NULL,
    transport   TEXT NOT NULL,
    name        TEXT NOT NULL,
    qtype       INTEGER NOT NULL,
    rcode       INTEGER,
    answers     TEXT NOT NULL,     -- JSON list of addresses
    service     TEXT NOT NULL,
    role        TEXT NOT NULL,
    catalogue   TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX lookup_by_time ON lookup (site, ts);

-- The visibility ledger. Its child tables share the key and add one word each.
CREATE TABLE minute (
    sensor        TEXT NOT NULL,
    source        TEXT NOT NULL,
    minute        INTEGER NOT NULL,
    site          TEXT NOT NULL,
    frames        INTEGER NOT NULL,
    bytes         INTEGER NOT NULL,
    one_way_flows INTEGER NOT NULL,
    late_flows    INTEGER NOT NULL,
    dns_questions INTEGER NOT NULL,
    PRIMARY KEY (sensor, source, minute)
) WITHOUT ROWID;
CREATE INDEX minute_by_time ON minute (site, minute);

CREATE TABLE minute_method (
    sensor TEXT NOT NULL, source TEXT NOT NULL, minute INTEGER NOT NULL, word TEXT NOT NULL,
    flows INTEGER NOT NULL, frames INTEGER NOT NULL, bytes INTEGER NOT NULL,
    PRIMARY KEY (sensor, source, minute, word)
) WITHOUT ROWID;

CREATE TABLE minute_not_flow (
    sensor TEXT NOT NULL, source TEXT NOT NULL, minute INTEGER NOT NULL, word TEXT NOT NULL,
    flows INTEGER NOT NULL, frames INTEGER NOT NULL, bytes INTEGER NOT NULL,
    PRIMARY KEY (sensor, source, minute, word)
) WITHOUT ROWID;

CREATE TABLE minute_malformed (
    sensor TEXT NOT NULL, source TEXT NOT NULL, minute INTEGER NOT NULL, word TEXT NOT NULL,
    flows INTEGER NOT NULL, frames INTEGER NOT NULL, bytes INTEGER NOT NULL,
    PRIMARY KEY (sensor, source, minute, word)
) WITHOUT ROWID;

CREATE TABLE minute_drop (
    sensor TEXT NOT NULL, source TEXT NOT NULL, minute INTEGER NOT NULL, word TEXT NOT NULL,
    packets INTEGER NOT NULL,
    PRIMARY KEY (sensor, source, minute, word)
) WITHOUT ROWID;

-- The roll-up: hour × site × device × service (and the address and access that a later policy may ask for).
-- `hour` is the start of the hour on the site's clock. It knows no policy, so it can be judged again.
CREATE TABLE usage (
    hour          INTEGER NOT NULL,
    site          TEXT NOT NULL,
    device        TEXT NOT NULL,
    client_ip     TEXT NOT NULL,
    service       TEXT NOT NULL,
    access        TEXT NOT NULL,
    plan          TEXT NOT NULL,     -- '' where the name tells no licence
    vlan          INTEGER NOT NULL,  -- -1 without a tag
    mac           TEXT NOT NULL,     -- '' where the link shows none
    flows         INTEGER NOT NULL,  -- flows that began
    turns         INTEGER NOT NULL,
    bytes_up      INTEGER NOT NULL,
    bytes_down    INTEGER NOT NULL,
    upload_bytes  INTEGER NOT NULL,
    largest_burst INTEGER NOT NULL,
    best_use      INTEGER NOT NULL,  -- 0 nothing, 1 visited, 2 shared, 3 used
    roles         INTEGER NOT NULL,  -- bit set, in the order of the catalogue's roles
    evidence      INTEGER NOT NULL,  -- bit set: 1 sni, 2 quic-sni, 4 http-host, 8 dns, 16 ambiguous
    first_seen    INTEGER NOT NULL,
    last_seen     INTEGER NOT NULL,
    PRIMARY KEY (hour, site, device, client_ip, service, access, plan, vlan, mac)
) WITHOUT ROWID;

-- Batches that are in: a repeated batch is recognised by its token before any row is looked at.
CREATE TABLE batch (
    token   TEXT NOT NULL PRIMARY KEY,
    records INTEGER NOT NULL
) WITHOUT ROWID;
