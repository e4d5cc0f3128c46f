-- What the sequence numbers of TCP tell of each minute (bytes), copies of frames and steps of the clock. Broken messages
-- are lines of `tally`, of the kind `broken`, counted in its column `frames`.

ALTER TABLE minute ADD COLUMN IF NOT EXISTS tcp_bytes UInt64 DEFAULT 0 CODEC(T64, ZSTD(1)) AFTER dns_questions,
    ADD COLUMN IF NOT EXISTS tcp_missing UInt64 DEFAULT 0 CODEC(T64, ZSTD(1)) AFTER tcp_bytes,
    ADD COLUMN IF NOT EXISTS tcp_reordered UInt64 DEFAULT 0 CODEC(T64, ZSTD(1)) AFTER tcp_missing,
    ADD COLUMN IF NOT EXISTS tcp_resent UInt64 DEFAULT 0 CODEC(T64, ZSTD(1)) AFTER tcp_reordered,
    ADD COLUMN IF NOT EXISTS duplicates UInt64 DEFAULT 0 CODEC(T64, ZSTD(1)) AFTER tcp_resent,
    ADD COLUMN IF NOT EXISTS clock_steps UInt64 DEFAULT 0 CODEC(T64, ZSTD(1)) AFTER duplicates;
