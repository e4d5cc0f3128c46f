-- What did the sensor see in the window, in total? A minute that two sources cover counts once.
SELECT uniqExact(m.minute)    AS minutes,
       sum(m.frames)          AS frames,
       sum(m.bytes)           AS bytes,
       sum(m.one_way_flows)   AS one_way_flows,
       sum(m.late_flows)      AS late_flows,
       sum(m.dns_questions)   AS dns_questions
FROM minute AS m
WHERE m.minute >= fromUnixTimestamp64Micro({from:Int64}) AND m.minute < fromUnixTimestamp64Micro({to:Int64})
  AND (m.site = {site:String} OR {site:String} = '')
