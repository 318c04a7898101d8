-- An address twice in a file: the later row wins, the earlier is reported (J11).
WITH earlier AS (
    SELECT line
      FROM (SELECT line, lead(line) OVER (PARTITION BY email ORDER BY line) AS later
              FROM import_row
             WHERE account_id = %(account_id)s AND import_id = %(import_id)s
               AND email IS NOT NULL) AS ordered
     WHERE later IS NOT NULL
), gone AS (
    DELETE FROM import_row
     WHERE account_id = %(account_id)s AND import_id = %(import_id)s
       AND line IN (SELECT line FROM earlier)
    RETURNING line
), told AS (
    INSERT INTO import_failure (account_id, import_id, line, code, field)
    SELECT %(account_id)s, %(import_id)s, line, 'DUPLICATE_ALTERNATE_ID', 'email' FROM gone
)
SELECT count(*) FROM gone
