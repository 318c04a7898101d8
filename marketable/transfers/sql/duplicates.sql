-- A contact twice in a file, by one address or by two of its own: the later row wins, the earlier
-- is reported (J11). Looks at the lines after `after` up to `upto`.
WITH earlier AS (
    SELECT line
      FROM (SELECT line, lead(line) OVER (PARTITION BY coalesce(contact_id::text, email)
                                          ORDER BY line) AS later
              FROM (SELECT row.line, row.email, owner.contact_id
                      FROM import_row AS row
                      LEFT JOIN contact_address AS owner
                        ON owner.account_id = row.account_id AND owner.address = row.email
                       AND owner.is_live
                     WHERE row.account_id = %(account_id)s AND row.import_id = %(import_id)s
                       AND row.line > %(after)s AND row.line <= %(upto)s
                       AND row.email IS NOT NULL) AS matched) AS ordered
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
