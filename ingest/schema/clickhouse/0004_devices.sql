-- Who a device is: its hardware address, its addresses, what it calls itself. Devices that reached an AI service alone.
CREATE TABLE IF NOT EXISTS device (
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
) ENGINE = MergeTree
PARTITION BY day
ORDER BY (site, day, device, last_seen)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, ttl_only_drop_parts = 1;
