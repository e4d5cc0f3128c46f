-- What a SIEM is told of findings, one row per told revision: the events of docs/siem.md as columns. The newest revision of
-- a uid is how the finding stands; the rows before it are its history. The life of a finding is in findings.db, whose
-- names of people, notes and reasons for closing do not come here.
--
-- A revision that is sent again is left out by its block's token; a token that the server has forgotten, or a revision that
-- comes in another block, is one row after a merge. Until then two rows are alike, so questions group by uid.

CREATE TABLE IF NOT EXISTS finding (
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
) ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (site, day, uid, revision)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, ttl_only_drop_parts = 1;
