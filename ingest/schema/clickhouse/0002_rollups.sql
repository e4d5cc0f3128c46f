-- The roll-ups that reports and long panels read: materialized views add each inserted block up. They know no policy, so
-- they can be judged again. What a flow counts for (`hour`, `day`, `first_seen`, `best_use`, the bits) is computed by the
-- sender, by the same code as in the embedded store. The tables remember tokens too: a block that was inserted before a
-- crash and added up after it counts once in both.

CREATE TABLE IF NOT EXISTS usage_hour (
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
) ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(hour)
ORDER BY (site, hour, service, device, client_ip, access, plan, vlan, mac)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS usage_day (
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
) ENGINE = AggregatingMergeTree
PARTITION BY toYear(day)
ORDER BY (site, day, service, device, access)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS usage_hour_view TO usage_hour AS
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
FROM flow
GROUP BY hour, site, device, client_ip, service, access, plan, vlan, mac;

CREATE MATERIALIZED VIEW IF NOT EXISTS usage_day_view TO usage_day AS
SELECT flow.day AS day, flow.site AS site, flow.device AS device, flow.service AS service, flow.access AS access,
       countIf(flow.seq = 0)   AS flows,
       sum(flow.turns)         AS turns,
       sum(flow.bytes_up)      AS bytes_up,
       sum(flow.bytes_down)    AS bytes_down,
       sum(flow.upload_bytes)  AS upload_bytes,
       max(flow.largest_burst) AS largest_burst,
       max(flow.best_use)      AS best_use
FROM flow
GROUP BY day, site, device, service, access;
