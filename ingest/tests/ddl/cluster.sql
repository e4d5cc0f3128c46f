CREATE DATABASE IF NOT EXISTS `shadowtap` ON CLUSTER '{cluster}';

CREATE TABLE IF NOT EXISTS `shadowtap`.schema_version_local ON CLUSTER '{cluster}' (version UInt32, done DateTime('UTC') DEFAULT now()) ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}') ORDER BY version;

CREATE TABLE IF NOT EXISTS `shadowtap`.schema_version ON CLUSTER '{cluster}' AS `shadowtap`.schema_version_local
ENGINE = Distributed('{cluster}', 'shadowtap', 'schema_version_local', cityHash64(version));

-- Facts as the sensor wrote them. Field meanings: docs/records.md; times are UTC to the µs. Nothing here may hold content,
-- a path, or a sequence of lengths or times.
--
-- `batch` is a hash of the batch's name: what an earlier try of the same batch brought is told from what another batch
-- brought. Each table remembers the tokens of its last 10,000 blocks, so that a repeated INSERT changes nothing; a
-- sender has one batch under way, so that is many times what can ever be repeated. A row that was acknowledged is on
-- the disk (fsync): the sender's copy is gone by then. How long rows are kept is set at the start of each sender.

CREATE TABLE IF NOT EXISTS `shadowtap`.flow_local ON CLUSTER '{cluster}' (
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
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY day
ORDER BY (site, day, service, device, end)
TTL day + toIntervalDay(90)
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 315360000, fsync_after_insert = 1, fsync_part_directory = 1, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS `shadowtap`.flow ON CLUSTER '{cluster}' AS `shadowtap`.flow_local
ENGINE = Distributed('{cluster}', 'shadowtap', 'flow_local', cityHash64(site));

CREATE TABLE IF NOT EXISTS `shadowtap`.lookup_local ON CLUSTER '{cluster}' (
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
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY day
ORDER BY (site, day, service, device, ts)
TTL day + toIntervalDay(90)
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 315360000, fsync_after_insert = 1, fsync_part_directory = 1, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS `shadowtap`.lookup ON CLUSTER '{cluster}' AS `shadowtap`.lookup_local
ENGINE = Distributed('{cluster}', 'shadowtap', 'lookup_local', cityHash64(site));

-- The visibility ledger: one row per sensor, source and minute, and its tallies by kind and word.
CREATE TABLE IF NOT EXISTS `shadowtap`.minute_local ON CLUSTER '{cluster}' (
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
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY toYYYYMM(day)
ORDER BY (site, day, minute)
TTL day + toIntervalDay(396)
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 315360000, fsync_after_insert = 1, fsync_part_directory = 1, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS `shadowtap`.minute ON CLUSTER '{cluster}' AS `shadowtap`.minute_local
ENGINE = Distributed('{cluster}', 'shadowtap', 'minute_local', cityHash64(site));

CREATE TABLE IF NOT EXISTS `shadowtap`.tally_local ON CLUSTER '{cluster}' (
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
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY toYYYYMM(day)
ORDER BY (site, day, kind, word, minute)
TTL day + toIntervalDay(396)
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 315360000, fsync_after_insert = 1, fsync_part_directory = 1, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS `shadowtap`.tally ON CLUSTER '{cluster}' AS `shadowtap`.tally_local
ENGINE = Distributed('{cluster}', 'shadowtap', 'tally_local', cityHash64(site));

-- How much of one device's traffic could be named in ten minutes; what hides names, by class.
CREATE TABLE IF NOT EXISTS `shadowtap`.visibility_local ON CLUSTER '{cluster}' (
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
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY day
ORDER BY (site, day, device, start)
TTL day + toIntervalDay(90)
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 315360000, fsync_after_insert = 1, fsync_part_directory = 1, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS `shadowtap`.visibility ON CLUSTER '{cluster}' AS `shadowtap`.visibility_local
ENGINE = Distributed('{cluster}', 'shadowtap', 'visibility_local', cityHash64(site));

CREATE TABLE IF NOT EXISTS `shadowtap`.visibility_hidden_local ON CLUSTER '{cluster}' (
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
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY day
ORDER BY (site, day, word, device, start)
TTL day + toIntervalDay(90)
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 315360000, fsync_after_insert = 1, fsync_part_directory = 1, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS `shadowtap`.visibility_hidden ON CLUSTER '{cluster}' AS `shadowtap`.visibility_hidden_local
ENGINE = Distributed('{cluster}', 'shadowtap', 'visibility_hidden_local', cityHash64(site));

CREATE TABLE IF NOT EXISTS `shadowtap`.candidate_local ON CLUSTER '{cluster}' (
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
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY toYYYYMM(day)
ORDER BY (site, day, domain, start)
TTL day + toIntervalDay(396)
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 315360000, fsync_after_insert = 1, fsync_part_directory = 1, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS `shadowtap`.candidate ON CLUSTER '{cluster}' AS `shadowtap`.candidate_local
ENGINE = Distributed('{cluster}', 'shadowtap', 'candidate_local', cityHash64(site));

-- Batches that are in whole: written after all other tables, looked at before any.
CREATE TABLE IF NOT EXISTS `shadowtap`.batch_local ON CLUSTER '{cluster}' (
    token   String CODEC(ZSTD(1)),
    records UInt64 CODEC(T64, ZSTD(1)),
    done    DateTime('UTC') DEFAULT now()
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
ORDER BY token
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 315360000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS `shadowtap`.batch ON CLUSTER '{cluster}' AS `shadowtap`.batch_local
ENGINE = Distributed('{cluster}', 'shadowtap', 'batch_local', cityHash64(token));

INSERT INTO `shadowtap`.schema_version (version) SETTINGS distributed_foreground_insert = 1 VALUES (1);

-- The roll-ups that reports and long panels read: materialized views add each inserted block up. They know no policy, so
-- they can be judged again. What a flow counts for (`hour`, `day`, `first_seen`, `best_use`, the bits) is computed by the
-- sender, by the same code as in the embedded store. The tables remember tokens too: a block that was inserted before a
-- crash and added up after it counts once in both.

CREATE TABLE IF NOT EXISTS `shadowtap`.usage_hour_local ON CLUSTER '{cluster}' (
    hour          DateTime('UTC') CODEC(Delta, ZSTD(1)),
    site          LowCardinality(String),
    device        LowCardinality(String),
    client_ip     LowCardinality(String),
    service       LowCardinality(String),
    access        LowCardinality(String),
    plan          LowCardinality(String), -- '' where the name tells no licence
    vlan          Int32,                  -- -1 without a tag
    mac           LowCardinality(String), -- '' where the link shows none
    flows         SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)), -- flows that began
    turns         SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    bytes_up      SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    bytes_down    SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    upload_bytes  SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    largest_burst SimpleAggregateFunction(max, UInt64) CODEC(T64, ZSTD(1)),
    best_use      SimpleAggregateFunction(max, UInt8), -- 0 nothing, 1 visited, 2 shared, 3 used
    roles         SimpleAggregateFunction(groupBitOr, UInt64) CODEC(T64, ZSTD(1)),
    evidence      SimpleAggregateFunction(groupBitOr, UInt64) CODEC(T64, ZSTD(1)),
    clients       SimpleAggregateFunction(groupBitOr, UInt64) CODEC(T64, ZSTD(1)),
    behaviours    SimpleAggregateFunction(groupBitOr, UInt64) CODEC(T64, ZSTD(1)),
    first_seen    SimpleAggregateFunction(min, DateTime64(6, 'UTC')) CODEC(Delta, ZSTD(1)),
    last_seen     SimpleAggregateFunction(max, DateTime64(6, 'UTC')) CODEC(Delta, ZSTD(1))
) ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY toYYYYMM(hour)
ORDER BY (site, hour, service, device, client_ip, access, plan, vlan, mac)
TTL hour + toIntervalDay(396)
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 315360000, fsync_after_insert = 1, fsync_part_directory = 1, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS `shadowtap`.usage_hour ON CLUSTER '{cluster}' AS `shadowtap`.usage_hour_local
ENGINE = Distributed('{cluster}', 'shadowtap', 'usage_hour_local', cityHash64(site));

CREATE TABLE IF NOT EXISTS `shadowtap`.usage_day_local ON CLUSTER '{cluster}' (
    day           Date,                   -- on the site's clock
    site          LowCardinality(String),
    device        LowCardinality(String),
    service       LowCardinality(String),
    access        LowCardinality(String),
    flows         SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    turns         SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    bytes_up      SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    bytes_down    SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    upload_bytes  SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
    largest_burst SimpleAggregateFunction(max, UInt64) CODEC(T64, ZSTD(1)),
    best_use      SimpleAggregateFunction(max, UInt8)
) ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY toYear(day)
ORDER BY (site, day, service, device, access)
TTL day + toIntervalDay(396)
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 315360000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS `shadowtap`.usage_day ON CLUSTER '{cluster}' AS `shadowtap`.usage_day_local
ENGINE = Distributed('{cluster}', 'shadowtap', 'usage_day_local', cityHash64(site));

CREATE MATERIALIZED VIEW IF NOT EXISTS `shadowtap`.usage_hour_view ON CLUSTER '{cluster}' TO `shadowtap`.usage_hour_local AS
SELECT flow.hour AS hour, flow.site AS site, flow.device AS device, flow.client_ip AS client_ip,
       flow.service AS service, flow.access AS access, ifNull(flow.plan, '') AS plan,
       ifNull(toInt32(flow.vlan), -1) AS vlan, ifNull(flow.client_mac, '') AS mac,
       countIf(flow.seq = 0)         AS flows,
       sum(flow.turns)               AS turns,
       sum(flow.bytes_up)            AS bytes_up,
       sum(flow.bytes_down)          AS bytes_down,
       sum(flow.upload_bytes)        AS upload_bytes,
       max(flow.largest_burst)       AS largest_burst,
       max(flow.best_use)            AS best_use,
       groupBitOr(flow.role_bit)     AS roles,
       groupBitOr(flow.evidence_bit) AS evidence,
       groupBitOr(flow.client_bit)   AS clients,
       groupBitOr(flow.behaviour_bit) AS behaviours,
       min(flow.first_seen)          AS first_seen,
       max(flow.end)                 AS last_seen
FROM `shadowtap`.flow_local AS flow
GROUP BY hour, site, device, client_ip, service, access, plan, vlan, mac;

CREATE MATERIALIZED VIEW IF NOT EXISTS `shadowtap`.usage_day_view ON CLUSTER '{cluster}' TO `shadowtap`.usage_day_local AS
SELECT flow.day AS day, flow.site AS site, flow.device AS device, flow.service AS service, flow.access AS access,
       countIf(flow.seq = 0)   AS flows,
       sum(flow.turns)         AS turns,
       sum(flow.bytes_up)      AS bytes_up,
       sum(flow.bytes_down)    AS bytes_down,
       sum(flow.upload_bytes)  AS upload_bytes,
       max(flow.largest_burst) AS largest_burst,
       max(flow.best_use)      AS best_use
FROM `shadowtap`.flow_local AS flow
GROUP BY day, site, device, service, access;

INSERT INTO `shadowtap`.schema_version (version) SETTINGS distributed_foreground_insert = 1 VALUES (2);

-- What a SIEM is told of findings, one row per told revision: the events of docs/siem.md as columns. The newest revision of
-- a uid is how the finding stands; the rows before it are its history. The life of a finding is in findings.db, whose
-- names of people, notes and reasons for closing do not come here.
--
-- A revision that is sent again is left out by its block's token; a token that the server has forgotten, or a revision that
-- comes in another block, is one row after a merge. Until then two rows are alike, so questions group by uid.

CREATE TABLE IF NOT EXISTS `shadowtap`.finding_local ON CLUSTER '{cluster}' (
    uid             String CODEC(ZSTD(1)),
    revision        UInt64 CODEC(T64, ZSTD(1)),
    at              DateTime('UTC') CODEC(Delta, ZSTD(1)), -- of this change
    day             Date,                                  -- of `at`, UTC: findings of all sites in one order
    site            LowCardinality(String),                -- '' for what concerns all sites
    sensor          LowCardinality(String),
    action          LowCardinality(String), -- create, update, close
    rule            LowCardinality(String),
    state           LowCardinality(String), -- open, acknowledged, closed
    deadline        LowCardinality(String), -- none, running, met, missed
    severity        UInt8,
    repeated        Bool,                   -- it was closed before and opened again
    earlier         UInt64 CODEC(T64, ZSTD(1)),
    status          LowCardinality(String), -- of the policy; '' where the rule asks for none
    device          LowCardinality(String), -- '' where no device is concerned
    department      LowCardinality(String),
    service         LowCardinality(String), -- '' where no service is concerned
    category        LowCardinality(String),
    about           LowCardinality(String), -- the trouble, the way of hiding, what is to be reviewed
    reason          String CODEC(ZSTD(1)),  -- the policy's line, or what was measured
    policy          LowCardinality(String),
    catalogue       LowCardinality(String),
    first_seen      DateTime('UTC') CODEC(Delta, ZSTD(1)),
    last_seen       DateTime('UTC') CODEC(Delta, ZSTD(1)),
    detected_at     Nullable(DateTime('UTC')), -- in a create
    report_due_at   Nullable(DateTime('UTC')),
    acknowledged_at Nullable(DateTime('UTC')), -- in what is told while somebody has taken it on: the first is the moment
    closed_at       Nullable(DateTime('UTC')), -- in a close
    missed_at       Nullable(DateTime('UTC')), -- when the deadline passed without an answer
    devices         UInt64 CODEC(T64, ZSTD(1)),
    flows           UInt64 CODEC(T64, ZSTD(1)),
    turns           UInt64 CODEC(T64, ZSTD(1)),
    bytes_up        UInt64 CODEC(T64, ZSTD(1)),
    bytes_down      UInt64 CODEC(T64, ZSTD(1)),
    upload_bytes    UInt64 CODEC(T64, ZSTD(1))
) ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY toYYYYMM(day)
ORDER BY (site, day, uid, revision)
TTL day + toIntervalDay(1096)
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 315360000, fsync_after_insert = 1, fsync_part_directory = 1, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS `shadowtap`.finding ON CLUSTER '{cluster}' AS `shadowtap`.finding_local
ENGINE = Distributed('{cluster}', 'shadowtap', 'finding_local', cityHash64(site));

INSERT INTO `shadowtap`.schema_version (version) SETTINGS distributed_foreground_insert = 1 VALUES (3);

-- Who a device is: its hardware address, its addresses, what it calls itself. Devices that reached an AI service alone.
CREATE TABLE IF NOT EXISTS `shadowtap`.device_local ON CLUSTER '{cluster}' (
    sensor       LowCardinality(String),
    device       LowCardinality(String),
    last_seen    DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    day          Date,
    site         LowCardinality(String),
    mac          LowCardinality(String),
    private_mac  Bool,
    addresses    Array(String),
    host_name    Nullable(String) CODEC(ZSTD(1)),
    vendor_class LowCardinality(Nullable(String)),
    source       LowCardinality(String), -- dhcp, dhcp6, arp, ndp, frame
    first_seen   DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    batch        UInt64 CODEC(ZSTD(1))
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY day
ORDER BY (site, day, device, last_seen)
TTL day + toIntervalDay(90)
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 315360000, fsync_after_insert = 1, fsync_part_directory = 1, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS `shadowtap`.device ON CLUSTER '{cluster}' AS `shadowtap`.device_local
ENGINE = Distributed('{cluster}', 'shadowtap', 'device_local', cityHash64(site));

INSERT INTO `shadowtap`.schema_version (version) SETTINGS distributed_foreground_insert = 1 VALUES (4);

-- What the sequence numbers of TCP tell of each minute (bytes), copies of frames and steps of the clock. Broken messages
-- are lines of `tally`, of the kind `broken`, counted in its column `frames`.

ALTER TABLE `shadowtap`.minute_local ON CLUSTER '{cluster}' ADD COLUMN IF NOT EXISTS tcp_bytes UInt64 DEFAULT 0 CODEC(T64, ZSTD(1)) AFTER dns_questions,
    ADD COLUMN IF NOT EXISTS tcp_missing UInt64 DEFAULT 0 CODEC(T64, ZSTD(1)) AFTER tcp_bytes,
    ADD COLUMN IF NOT EXISTS tcp_reordered UInt64 DEFAULT 0 CODEC(T64, ZSTD(1)) AFTER tcp_missing,
    ADD COLUMN IF NOT EXISTS tcp_resent UInt64 DEFAULT 0 CODEC(T64, ZSTD(1)) AFTER tcp_reordered,
    ADD COLUMN IF NOT EXISTS duplicates UInt64 DEFAULT 0 CODEC(T64, ZSTD(1)) AFTER tcp_resent,
    ADD COLUMN IF NOT EXISTS clock_steps UInt64 DEFAULT 0 CODEC(T64, ZSTD(1)) AFTER duplicates;

-- What the sequence numbers of TCP tell of each minute (bytes), copies of frames and steps of the clock. Broken messages
-- are lines of `tally`, of the kind `broken`, counted in its column `frames`.

ALTER TABLE `shadowtap`.minute ON CLUSTER '{cluster}' ADD COLUMN IF NOT EXISTS tcp_bytes UInt64 DEFAULT 0 CODEC(T64, ZSTD(1)) AFTER dns_questions,
    ADD COLUMN IF NOT EXISTS tcp_missing UInt64 DEFAULT 0 CODEC(T64, ZSTD(1)) AFTER tcp_bytes,
    ADD COLUMN IF NOT EXISTS tcp_reordered UInt64 DEFAULT 0 CODEC(T64, ZSTD(1)) AFTER tcp_missing,
    ADD COLUMN IF NOT EXISTS tcp_resent UInt64 DEFAULT 0 CODEC(T64, ZSTD(1)) AFTER tcp_reordered,
    ADD COLUMN IF NOT EXISTS duplicates UInt64 DEFAULT 0 CODEC(T64, ZSTD(1)) AFTER tcp_resent,
    ADD COLUMN IF NOT EXISTS clock_steps UInt64 DEFAULT 0 CODEC(T64, ZSTD(1)) AFTER duplicates;

INSERT INTO `shadowtap`.schema_version (version) SETTINGS distributed_foreground_insert = 1 VALUES (5);
