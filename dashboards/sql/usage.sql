-- Who used what in the window? One row per device with its address, VLAN and hardware address, service, access and licence,
-- from the roll-up: what a policy can ask for. Rows that differ in their two bit sets alone (kinds of client, behaviours) are
-- added up by the program: not every database can join bits.
SELECT site, device, client_ip, service, access, plan, vlan, mac, clients, behaviours,
       max(best_use)      AS best_use,
       sum(flows)         AS flows,
       sum(turns)         AS turns,
       sum(bytes_up)      AS bytes_up,
       sum(bytes_down)    AS bytes_down,
       sum(upload_bytes)  AS upload_bytes,
       max(largest_burst) AS largest_burst,
       min(first_seen)    AS first_seen,
       max(last_seen)     AS last_seen
FROM usage
WHERE hour >= :from AND hour < :to AND (site = :site OR :site = '')
GROUP BY site, device, client_ip, service, access, plan, vlan, mac, clients, behaviours
ORDER BY site, device, client_ip, service, access, plan, vlan, mac, clients, behaviours;
