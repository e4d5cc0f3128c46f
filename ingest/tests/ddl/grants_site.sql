-- Nobody can log in before: ALTER USER `writer` IDENTIFIED WITH sha256_password BY '...'
CREATE USER IF NOT EXISTS `writer` IDENTIFIED WITH sha256_hash BY '0000000000000000000000000000000000000000000000000000000000000000';

GRANT SELECT, INSERT, CREATE TABLE, CREATE VIEW, ALTER TTL ON `shadowtap`.* TO `writer`;

GRANT SELECT ON system.tables TO `writer`;

-- Where a server shows nothing to users without a policy: a sender that cannot see what is in would send it twice.
CREATE ROW POLICY OR REPLACE `shadowtap_writer` ON `shadowtap`.* FOR SELECT USING 1 TO `writer`;

-- 2 and not 1: Grafana sets settings with each question. It writes nothing with 2 either.
CREATE SETTINGS PROFILE OR REPLACE `shadowtap_reader` SETTINGS readonly = 2,
    max_execution_time = 60 MIN 1 MAX 60,
    max_rows_to_read = 2000000000 MIN 1 MAX 2000000000,
    max_bytes_to_read = 200000000000 MIN 1 MAX 200000000000,
    max_memory_usage = 4000000000 MIN 1 MAX 4000000000,
    max_result_rows = 1000000 MIN 1 MAX 1000000,
    max_concurrent_queries_for_user = 20 MIN 1 MAX 20;

-- Nobody can log in before: ALTER USER `reader` IDENTIFIED WITH sha256_password BY '...'
CREATE USER IF NOT EXISTS `reader` IDENTIFIED WITH sha256_hash BY '0000000000000000000000000000000000000000000000000000000000000000' SETTINGS PROFILE `shadowtap_reader`;

GRANT SELECT ON system.tables TO `reader`;

REVOKE SELECT ON `shadowtap`.* FROM `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON `shadowtap`.flow FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON `shadowtap`.lookup FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON `shadowtap`.minute FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON `shadowtap`.tally FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON `shadowtap`.visibility FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON `shadowtap`.visibility_hidden FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON `shadowtap`.candidate FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON `shadowtap`.usage_hour FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON `shadowtap`.usage_day FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON `shadowtap`.usage_hour_view FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON `shadowtap`.usage_day_view FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON `shadowtap`.finding FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON `shadowtap`.device FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

GRANT SELECT ON `shadowtap`.schema_version TO `reader`;

GRANT SELECT ON `shadowtap`.flow TO `reader`;

GRANT SELECT ON `shadowtap`.lookup TO `reader`;

GRANT SELECT ON `shadowtap`.minute TO `reader`;

GRANT SELECT ON `shadowtap`.tally TO `reader`;

GRANT SELECT ON `shadowtap`.visibility TO `reader`;

GRANT SELECT ON `shadowtap`.visibility_hidden TO `reader`;

GRANT SELECT ON `shadowtap`.candidate TO `reader`;

GRANT SELECT ON `shadowtap`.usage_hour TO `reader`;

GRANT SELECT ON `shadowtap`.usage_day TO `reader`;

GRANT SELECT ON `shadowtap`.finding TO `reader`;

GRANT SELECT ON `shadowtap`.device TO `reader`;
