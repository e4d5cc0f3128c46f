-- What did the sensor see in the window, in total? A minute that two sources cover counts once.
-- Days are on the site's clock, so the two around the window are looked into as well: they tell which partitions to read.
SELECT uniqExact(m.minute)    AS minutes,
       sum(m.frames)          AS frames,
       sum(m.bytes)           AS bytes,
       sum(m.one_way_flows)   AS one_way_flows,
       sum(m.late_flows)      AS late_flows,
       sum(m.dns_questions)   AS dns_questions,
       sum(m.tcp_bytes)       AS tcp_bytes,
       sum(m.tcp_missing)     AS tcp_missing,
       sum(m.tcp_reordered)   AS tcp_reordered,
       sum(m.tcp_resent)      AS tcp_resent,
       sum(m.duplicates)      AS duplicates,
       sum(m.clock_steps)     AS clock_steps
FROM minute AS m
WHERE m.minute >= fromUnixTimestamp64Micro({from:Int64}) AND m.minute < fromUnixTimestamp64Micro({to:Int64})
  AND m.day >= toDate(fromUnixTimestamp64Micro(greatest({from:Int64} - 86400000000, 0), 'UTC'))
  AND m.day <= toDate(fromUnixTimestamp64Micro({to:Int64} + 86400000000, 'UTC'))
  AND (m.site = {site:String} OR {site:String} = '')
