-- The tables that the boards ask, without devices: a second database `shadowtap_boards` with views of the same names, in
-- which a device is a keyed hash. The boards count devices there as before, and nobody who may ask the data source can
-- read an address, whatever they write into Explore. Run it as an administrator, once and after each new version:
--
--   clickhouse-client --multiquery < without_devices.sql
--
-- Then name `shadowtap_boards` as defaultDatabase of the data source and give its user that database alone:
--
--   CREATE USER grafana IDENTIFIED WITH sha256_password BY '...' SETTINGS readonly = 2;
--   GRANT SELECT ON shadowtap_boards.* TO grafana;
--
-- The views read with the rights of whoever makes them. The key is drawn once; whoever may read it can find out whose
-- hash is whose by trying addresses. What names a device's neighbourhood (ports, hardware addresses, server addresses,
-- ids of flows, departments) is left out.

CREATE DATABASE IF NOT EXISTS shadowtap_key;
CREATE TABLE IF NOT EXISTS shadowtap_key.key (a UInt64, b UInt64) ENGINE = MergeTree ORDER BY a;
INSERT INTO shadowtap_key.key SELECT rand64(1), rand64(2) WHERE (SELECT count() FROM shadowtap_key.key) = 0;
CREATE DATABASE IF NOT EXISTS shadowtap_boards;

CREATE OR REPLACE VIEW shadowtap_boards.usage_hour SQL SECURITY DEFINER AS
SELECT * EXCEPT (client_ip, plan, vlan, mac)
       REPLACE (hex(sipHash128Keyed((SELECT (a, b) FROM shadowtap_key.key), toString(device))) AS device)
FROM shadowtap.usage_hour;

CREATE OR REPLACE VIEW shadowtap_boards.usage_day SQL SECURITY DEFINER AS
SELECT * REPLACE (hex(sipHash128Keyed((SELECT (a, b) FROM shadowtap_key.key), toString(device))) AS device)
FROM shadowtap.usage_day;

CREATE OR REPLACE VIEW shadowtap_boards.flow SQL SECURITY DEFINER AS
SELECT seq, last, sensor, site, day, hour, end, if(access = 'local', NULL, host) AS host, evidence, service, role,
       strength, access, client, behaviour, turns, upload_bytes, catalogue
FROM shadowtap.flow;

CREATE OR REPLACE VIEW shadowtap_boards.lookup SQL SECURITY DEFINER AS
SELECT site, day, ts, service,
       hex(sipHash128Keyed((SELECT (a, b) FROM shadowtap_key.key), toString(device))) AS device
FROM shadowtap.lookup;

CREATE OR REPLACE VIEW shadowtap_boards.visibility_hidden SQL SECURITY DEFINER AS
SELECT sensor, site, day, start, word, flows, frames, bytes
FROM shadowtap.visibility_hidden;

CREATE OR REPLACE VIEW shadowtap_boards.finding SQL SECURITY DEFINER AS
SELECT * REPLACE (
    if(rule = 'sensor-health' OR device = '', toString(device),
       hex(sipHash128Keyed((SELECT (a, b) FROM shadowtap_key.key), toString(device)))) AS device,
    '' AS department)
FROM shadowtap.finding;

CREATE OR REPLACE VIEW shadowtap_boards.minute SQL SECURITY DEFINER AS SELECT * FROM shadowtap.minute;
CREATE OR REPLACE VIEW shadowtap_boards.tally SQL SECURITY DEFINER AS SELECT * FROM shadowtap.tally;
CREATE OR REPLACE VIEW shadowtap_boards.candidate SQL SECURITY DEFINER AS SELECT * FROM shadowtap.candidate;
