-- Who used what in the window? One row per device with its address, VLAN and hardware address, service, access and licence,
-- from the roll-up: what a policy can ask for.
SELECT site, device, client_ip, service, access, plan, vlan, mac,
       max(u.best_use)      AS best_use,
       sum(u.flows)         AS flows,
       sum(u.turns)         AS turns,
       sum(u.bytes_up)      AS bytes_up,
       sum(u.bytes_down)    AS bytes_down,
       sum(u.upload_bytes)  AS upload_bytes,
       max(u.largest_burst) AS largest_burst,
       groupBitOr(u.clients)    AS clients,
       groupBitOr(u.behaviours) AS behaviours,
       toUnixTimestamp64Micro(min(u.first_seen)) AS first_seen,
       toUnixTimestamp64Micro(max(u.last_seen))  AS last_seen
FROM usage_hour AS u
WHERE u.hour >= fromUnixTimestamp64Micro({from:Int64}) AND u.hour < fromUnixTimestamp64Micro({to:Int64})
  AND (u.site = {site:String} OR {site:String} = '')
GROUP BY site, device, client_ip, service, access, plan, vlan, mac
ORDER BY site, device, client_ip, service, access, plan, vlan, mac
