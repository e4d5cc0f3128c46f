-- What does each device call itself? The name that it had last before the end of the window.
SELECT device, argMin(assumeNotNull(d.host_name), (-toUnixTimestamp64Micro(d.last_seen), assumeNotNull(d.host_name))) AS host_name
FROM device AS d
WHERE d.last_seen < fromUnixTimestamp64Micro({to:Int64}) AND d.last_seen >= fromUnixTimestamp64Micro({from:Int64})
  AND d.host_name IS NOT NULL AND (d.site = {site:String} OR {site:String} = '')
GROUP BY device
ORDER BY device
