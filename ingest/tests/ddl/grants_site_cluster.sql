-- Nobody can log in before: ALTER USER `writer` ON CLUSTER '{cluster}' IDENTIFIED WITH sha256_password BY '...'
CREATE USER IF NOT EXISTS `writer` ON CLUSTER '{cluster}' IDENTIFIED WITH sha256_hash BY '0000000000000000000000000000000000000000000000000000000000000000';

GRANT ON CLUSTER '{cluster}' SELECT, INSERT ON `shadowtap`.* TO `writer`;

GRANT ON CLUSTER '{cluster}' SELECT ON system.tables TO `writer`;

-- Where a server shows nothing to users without a policy: a sender that cannot see what is in would send it twice.
CREATE ROW POLICY OR REPLACE `shadowtap_writer` ON CLUSTER '{cluster}' ON `shadowtap`.* FOR SELECT USING 1 TO `writer`;

-- 2 and not 1: Grafana sets settings with each question. It writes nothing with 2 either.
CREATE SETTINGS PROFILE OR REPLACE `shadowtap_reader` ON CLUSTER '{cluster}' SETTINGS readonly = 2,
    max_execution_time = 60 MIN 1 MAX 60,
    max_rows_to_read = 2000000000 MIN 1 MAX 2000000000,
    max_bytes_to_read = 200000000000 MIN 1 MAX 200000000000,
    max_memory_usage = 4000000000 MIN 1 MAX 4000000000,
    max_result_rows = 1000000 MIN 1 MAX 1000000,
    max_concurrent_queries_for_user = 20 MIN 1 MAX 20;

-- Nobody can log in before: ALTER USER `reader` ON CLUSTER '{cluster}' IDENTIFIED WITH sha256_password BY '...'
CREATE USER IF NOT EXISTS `reader` ON CLUSTER '{cluster}' IDENTIFIED WITH sha256_hash BY '0000000000000000000000000000000000000000000000000000000000000000' SETTINGS PROFILE `shadowtap_reader`;

GRANT ON CLUSTER '{cluster}' SELECT ON system.tables TO `reader`;

REVOKE ON CLUSTER '{cluster}' SELECT ON `shadowtap`.* FROM `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON CLUSTER '{cluster}' ON `shadowtap`.flow FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON CLUSTER '{cluster}' ON `shadowtap`.flow_local FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON CLUSTER '{cluster}' ON `shadowtap`.lookup FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON CLUSTER '{cluster}' ON `shadowtap`.lookup_local FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON CLUSTER '{cluster}' ON `shadowtap`.minute FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON CLUSTER '{cluster}' ON `shadowtap`.minute_local FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON CLUSTER '{cluster}' ON `shadowtap`.tally FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON CLUSTER '{cluster}' ON `shadowtap`.tally_local FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON CLUSTER '{cluster}' ON `shadowtap`.visibility FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON CLUSTER '{cluster}' ON `shadowtap`.visibility_local FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON CLUSTER '{cluster}' ON `shadowtap`.visibility_hidden FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON CLUSTER '{cluster}' ON `shadowtap`.visibility_hidden_local FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON CLUSTER '{cluster}' ON `shadowtap`.candidate FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON CLUSTER '{cluster}' ON `shadowtap`.candidate_local FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON CLUSTER '{cluster}' ON `shadowtap`.usage_hour FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON CLUSTER '{cluster}' ON `shadowtap`.usage_hour_local FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON CLUSTER '{cluster}' ON `shadowtap`.usage_day FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON CLUSTER '{cluster}' ON `shadowtap`.usage_day_local FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON CLUSTER '{cluster}' ON `shadowtap`.usage_hour_view FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON CLUSTER '{cluster}' ON `shadowtap`.usage_day_view FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON CLUSTER '{cluster}' ON `shadowtap`.finding FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON CLUSTER '{cluster}' ON `shadowtap`.finding_local FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON CLUSTER '{cluster}' ON `shadowtap`.device FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

CREATE ROW POLICY OR REPLACE `shadowtap_reader` ON CLUSTER '{cluster}' ON `shadowtap`.device_local FOR SELECT USING site IN ('hq', 'O\'Hare') TO `reader`;

GRANT ON CLUSTER '{cluster}' SELECT ON `shadowtap`.schema_version TO `reader`;

GRANT ON CLUSTER '{cluster}' SELECT ON `shadowtap`.schema_version_local TO `reader`;

GRANT ON CLUSTER '{cluster}' SELECT ON `shadowtap`.flow TO `reader`;

GRANT ON CLUSTER '{cluster}' SELECT ON `shadowtap`.flow_local TO `reader`;

GRANT ON CLUSTER '{cluster}' SELECT ON `shadowtap`.lookup TO `reader`;

GRANT ON CLUSTER '{cluster}' SELECT ON `shadowtap`.lookup_local TO `reader`;

GRANT ON CLUSTER '{cluster}' SELECT ON `shadowtap`.minute TO `reader`;

GRANT ON CLUSTER '{cluster}' SELECT ON `shadowtap`.minute_local TO `reader`;

GRANT ON CLUSTER '{cluster}' SELECT ON `shadowtap`.tally TO `reader`;

GRANT ON CLUSTER '{cluster}' SELECT ON `shadowtap`.tally_local TO `reader`;

GRANT ON CLUSTER '{cluster}' SELECT ON `shadowtap`.visibility TO `reader`;

GRANT ON CLUSTER '{cluster}' SELECT ON `shadowtap`.visibility_local TO `reader`;

GRANT ON CLUSTER '{cluster}' SELECT ON `shadowtap`.visibility_hidden TO `reader`;

GRANT ON CLUSTER '{cluster}' SELECT ON `shadowtap`.visibility_hidden_local TO `reader`;

GRANT ON CLUSTER '{cluster}' SELECT ON `shadowtap`.candidate TO `reader`;

GRANT ON CLUSTER '{cluster}' SELECT ON `shadowtap`.candidate_local TO `reader`;

GRANT ON CLUSTER '{cluster}' SELECT ON `shadowtap`.usage_hour TO `reader`;

GRANT ON CLUSTER '{cluster}' SELECT ON `shadowtap`.usage_hour_local TO `reader`;

GRANT ON CLUSTER '{cluster}' SELECT ON `shadowtap`.usage_day TO `reader`;

GRANT ON CLUSTER '{cluster}' SELECT ON `shadowtap`.usage_day_local TO `reader`;

GRANT ON CLUSTER '{cluster}' SELECT ON `shadowtap`.finding TO `reader`;

GRANT ON CLUSTER '{cluster}' SELECT ON `shadowtap`.finding_local TO `reader`;

GRANT ON CLUSTER '{cluster}' SELECT ON `shadowtap`.device TO `reader`;

GRANT ON CLUSTER '{cluster}' SELECT ON `shadowtap`.device_local TO `reader`;
