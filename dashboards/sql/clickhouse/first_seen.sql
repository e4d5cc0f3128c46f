-- When was each service first used or visited, before the window's end? Telemetry alone (best_use 0) does not count.
-- The first hour with use holds the answer; its rows are added up, because a row counts by the best use of its hour.
SELECT service, toUnixTimestamp64Micro(min(rows.first)) AS first_seen
FROM (
    SELECT service, min(u.first_seen) AS first
    FROM usage_hour AS u
    WHERE (u.site = {site:String} OR {site:String} = '') AND (u.service, u.hour) IN (
        SELECT f.service, min(f.hour)
        FROM usage_hour AS f
        WHERE f.hour >= fromUnixTimestamp64Micro({from:Int64}) AND f.hour < fromUnixTimestamp64Micro({to:Int64})
          AND (f.site = {site:String} OR {site:String} = '') AND f.best_use > 0
        GROUP BY f.service
    )
    GROUP BY hour, site, device, client_ip, service, access, plan, vlan, mac
    HAVING max(u.best_use) > 0
) AS rows
GROUP BY service
ORDER BY service
