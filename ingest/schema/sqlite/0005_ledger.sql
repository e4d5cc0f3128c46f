-- What the sequence numbers of TCP tell of each minute, copies of frames, steps of the clock, and broken messages.

ALTER TABLE minute ADD COLUMN tcp_bytes INTEGER NOT NULL DEFAULT 0;      -- by which sequence numbers advanced
ALTER TABLE minute ADD COLUMN tcp_missing INTEGER NOT NULL DEFAULT 0;    -- of these, on the wire and not captured
ALTER TABLE minute ADD COLUMN tcp_reordered INTEGER NOT NULL DEFAULT 0;
ALTER TABLE minute ADD COLUMN tcp_resent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE minute ADD COLUMN duplicates INTEGER NOT NULL DEFAULT 0;     -- frames
ALTER TABLE minute ADD COLUMN clock_steps INTEGER NOT NULL DEFAULT 0;

CREATE TABLE minute_broken (
    sensor TEXT NOT NULL, source TEXT NOT NULL, minute INTEGER NOT NULL, word TEXT NOT NULL,
    messages INTEGER NOT NULL,
    PRIMARY KEY (sensor, source, minute, word)
) WITHOUT ROWID;
