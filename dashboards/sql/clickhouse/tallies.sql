-- How was traffic named, what carried no flow, what could not be decoded, what was lost?
SELECT kind, word, sum(t.flows) AS flows, sum(t.frames) AS frames, sum(t.bytes) AS bytes
FROM tally AS t
WHERE t.minute >= fromUnixTimestamp64Micro({from:Int64}) AND t.minute < fromUnixTimestamp64Micro({to:Int64})
  AND (t.site = {site:String} OR {site:String} = '')
GROUP BY kind, word
ORDER BY kind, word
