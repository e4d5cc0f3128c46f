-- How was traffic named, what carried no flow, what could not be decoded, what was lost, what was broken?
-- Days are on the site's clock, so the two around the window are looked into as well: they tell which partitions to read.
SELECT kind, word, sum(t.flows) AS flows, sum(t.frames) AS frames, sum(t.bytes) AS bytes
FROM tally AS t
WHERE t.minute >= fromUnixTimestamp64Micro({from:Int64}) AND t.minute < fromUnixTimestamp64Micro({to:Int64})
  AND t.day >= toDate(fromUnixTimestamp64Micro(greatest({from:Int64} - 86400000000, 0), 'UTC'))
  AND t.day <= toDate(fromUnixTimestamp64Micro({to:Int64} + 86400000000, 'UTC'))
  AND (t.site = {site:String} OR {site:String} = '')
GROUP BY kind, word
ORDER BY kind, word
