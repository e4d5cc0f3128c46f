-- Nobody can log in before: ALTER USER `writer` IDENTIFIED WITH sha256_password BY '...'
CREATE USER IF NOT EXISTS `writer` IDENTIFIED WITH sha256_hash BY '0000000000000000000000000000000000000000000000000000000000000000';

GRANT SELECT, INSERT, CREATE TABLE, CREATE VIEW, ALTER TTL ON `shadowtap`.* TO `writer`;

GRANT SELECT ON system.tables TO `writer`;

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

GRANT SELECT ON `shadowtap`.* TO `reader`;
