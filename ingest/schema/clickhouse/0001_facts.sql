-- Facts as the sensor wrote them. Field meanings: docs/records.md; times are UTC to the µs. Nothing here may hold content,
-- a path, or a sequence of lengths or times.
--
-- `batch` is a hash of the batch's name: what an earlier try of the same batch brought is told from what another batch
-- brought. Each table remembers the tokens of its last 10,000 blocks, so that a repeated INSERT changes nothing; a
-- sender has one batch under way, so that is many times what can ever be repeated. A row that was acknowledged is on
-- the disk (fsync): the sender's copy is gone by then. How long rows are kept is set at the start of each sender.

CREATE TABLE IF NOT EXISTS flow (
    flow_id       String CODEC(ZSTD(1)),
    seq           UInt32 CODEC(ZSTD(1)),
    last          Bool,
    community_id  String CODEC(ZSTD(1)),
    sensor        LowCardinality(String),
    site          LowCardinality(String),
    day           Date,                                       -- of `end`, on the site's clock
    hour          DateTime('UTC') CODEC(Delta, ZSTD(1)),      -- start of the hour of `end` on the site's clock
    start         DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    end           DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    emitted       DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    first_seen    DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)), -- the part of the flow that this record tells of begins here
    client_ip     LowCardinality(String),
    client_port   UInt16,
    client_mac    LowCardinality(Nullable(String)),
    vlan          Nullable(UInt16),
    device        LowCardinality(String),
    server_ip     String CODEC(ZSTD(1)),
    server_port   UInt16,
    transport     LowCardinality(String),
    protocol      LowCardinality(String),
    host          LowCardinality(Nullable(String)),
    evidence      LowCardinality(String),
    candidates    Array(String),
    service       LowCardinality(String),
    role          LowCardinality(String),
    strength      LowCardinality(String),
    plan          LowCardinality(Nullable(String)),
    tenant        LowCardinality(Nullable(String)),
    access        LowCardinality(String),
    modality      LowCardinality(String),
    ech           LowCardinality(String),
    alpn          Array(LowCardinality(String)),
    ja4           LowCardinality(Nullable(String)),
    client        LowCardinality(String),
    behaviour     LowCardinality(String),
    endpoint      LowCardinality(Nullable(String)),
    bytes_up      UInt64 CODEC(T64, ZSTD(1)),
    bytes_down    UInt64 CODEC(T64, ZSTD(1)),
    upload_bytes  UInt64 CODEC(T64, ZSTD(1)),
    packets_up    UInt64 CODEC(T64, ZSTD(1)),
    packets_down  UInt64 CODEC(T64, ZSTD(1)),
    turns         UInt64 CODEC(T64, ZSTD(1)),
    largest_burst UInt64 CODEC(T64, ZSTD(1)),
    best_use      UInt8,                                      -- 0 nothing, 1 visited, 2 shared, 3 used
    role_bit      UInt64 CODEC(T64, ZSTD(1)),                 -- 1 << place among the catalogue's roles
    evidence_bit  UInt64 CODEC(T64, ZSTD(1)),                 -- 1 sni, 2 quic-sni, 4 http-host, 8 dns, 16 ambiguous
    client_bit    UInt64 CODEC(T64, ZSTD(1)),                 -- 1 << place among the client kinds
    behaviour_bit UInt64 CODEC(T64, ZSTD(1)),                 -- 1 << place among the behaviours
    catalogue     LowCardinality(String),
    batch         UInt64 CODEC(ZSTD(1))
) ENGINE = MergeTree
PARTITION BY day
ORDER BY (site, day, service, device, end)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS lookup (
    lookup_id   String CODEC(ZSTD(1)),
    sensor      LowCardinality(String),
    site        LowCardinality(String),
    day         Date,
    ts          DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    client_ip   LowCardinality(String),
    device      LowCardinality(String),
    resolver_ip LowCardinality(String),
    transport   LowCardinality(String),
    name        LowCardinality(String),
    qtype       UInt16,
    rcode       Nullable(UInt16),
    answers     Array(String),
    service     LowCardinality(String),
    role        LowCardinality(String),
    catalogue   LowCardinality(String),
    batch       UInt64 CODEC(ZSTD(1))
) ENGINE = MergeTree
PARTITION BY day
ORDER BY (site, day, service, device, ts)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, ttl_only_drop_parts = 1;

-- The visibility ledger: one row per sensor, source and minute, and its tallies by kind and word.
CREATE TABLE IF NOT EXISTS minute (
    sensor        LowCardinality(String),
    source        LowCardinality(String),
    minute        DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    day           Date,
    site          LowCardinality(String),
    frames        UInt64 CODEC(T64, ZSTD(1)),
    bytes         UInt64 CODEC(T64, ZSTD(1)),
    one_way_flows UInt64 CODEC(T64, ZSTD(1)),
    late_flows    UInt64 CODEC(T64, ZSTD(1)),
    dns_questions UInt64 CODEC(T64, ZSTD(1)),
    batch         UInt64 CODEC(ZSTD(1))
) ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (site, day, minute)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS tally (
    sensor LowCardinality(String),
    source LowCardinality(String),
    minute DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    day    Date,
    site   LowCardinality(String),
    kind   LowCardinality(String), -- method, not_flow, malformed, drop
    word   LowCardinality(String),
    flows  UInt64 CODEC(T64, ZSTD(1)),
    frames UInt64 CODEC(T64, ZSTD(1)), -- packets, for a drop
    bytes  UInt64 CODEC(T64, ZSTD(1)),
    batch  UInt64 CODEC(ZSTD(1))
) ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (site, day, kind, word, minute)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, ttl_only_drop_parts = 1;

-- How much of one device's traffic could be named in ten minutes; what hides names, by class.
CREATE TABLE IF NOT EXISTS visibility (
    sensor          LowCardinality(String),
    source          LowCardinality(String),
    start           DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    day             Date,
    device          LowCardinality(String),
    site            LowCardinality(String),
    client_ip       LowCardinality(String),
    ai_flows        UInt64 CODEC(T64, ZSTD(1)),
    named_flows     UInt64 CODEC(T64, ZSTD(1)),
    named_frames    UInt64 CODEC(T64, ZSTD(1)),
    named_bytes     UInt64 CODEC(T64, ZSTD(1)),
    nameless_flows  UInt64 CODEC(T64, ZSTD(1)),
    nameless_frames UInt64 CODEC(T64, ZSTD(1)),
    nameless_bytes  UInt64 CODEC(T64, ZSTD(1)),
    batch           UInt64 CODEC(ZSTD(1))
) ENGINE = MergeTree
PARTITION BY day
ORDER BY (site, day, device, start)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS visibility_hidden (
    sensor LowCardinality(String),
    source LowCardinality(String),
    start  DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    day    Date,
    device LowCardinality(String),
    site   LowCardinality(String),
    word   LowCardinality(String),
    flows  UInt64 CODEC(T64, ZSTD(1)),
    frames UInt64 CODEC(T64, ZSTD(1)),
    bytes  UInt64 CODEC(T64, ZSTD(1)),
    batch  UInt64 CODEC(ZSTD(1))
) ENGINE = MergeTree
PARTITION BY day
ORDER BY (site, day, word, device, start)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS candidate (
    sensor          LowCardinality(String),
    source          LowCardinality(String),
    start           DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    day             Date,
    domain          LowCardinality(String),
    site            LowCardinality(String),
    host            LowCardinality(String),
    devices         UInt64 CODEC(T64, ZSTD(1)),
    flows           UInt64 CODEC(T64, ZSTD(1)),
    streaming_flows UInt64 CODEC(T64, ZSTD(1)),
    program_flows   UInt64 CODEC(T64, ZSTD(1)),
    turns           UInt64 CODEC(T64, ZSTD(1)),
    upload_bytes    UInt64 CODEC(T64, ZSTD(1)),
    bytes_down      UInt64 CODEC(T64, ZSTD(1)),
    batch           UInt64 CODEC(ZSTD(1))
) ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (site, day, domain, start)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, ttl_only_drop_parts = 1;

-- Batches that are in whole: written after all other tables, looked at before any.
CREATE TABLE IF NOT EXISTS batch (
    token   String CODEC(ZSTD(1)),
    records UInt64 CODEC(T64, ZSTD(1)),
    done    DateTime('UTC') DEFAULT now()
) ENGINE = MergeTree
ORDER BY token
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
