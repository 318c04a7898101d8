-- Set aside the rows whose value of a unique property another contact has, or an earlier row of
-- the file. A value that would not be written is none. Looks at lines after `after` up to `upto`.
WITH batch AS (
    {{matched_rows}}
), valued AS (
    SELECT batch.line, batch.contact_id, row.keys->>%(name)s AS value
      FROM batch
      JOIN import_row AS row
        ON row.account_id = %(account_id)s AND row.import_id = %(import_id)s
       AND row.line = batch.line
     WHERE row.keys ? %(name)s
       AND coalesce(wanted, fresh)->%(name)s
           = coalesce(row.always->%(name)s, row.if_empty->%(name)s, row.only_new->%(name)s)
), judged AS (
    SELECT line, value, is_taken,
           row_number() OVER (PARTITION BY value, is_taken ORDER BY line) AS place
      FROM (SELECT valued.*,
                   EXISTS (SELECT
                             FROM unique_value AS taken
                            WHERE taken.account_id = %(account_id)s AND taken.name = %(name)s
                              AND taken.value = valued.value
                              AND taken.contact_id IS DISTINCT FROM valued.contact_id) AS is_taken
              FROM valued) AS looked_up
), gone AS (
    DELETE FROM import_row
     WHERE account_id = %(account_id)s AND import_id = %(import_id)s
       AND line IN (SELECT line FROM judged WHERE is_taken OR place > 1)
    RETURNING line
), told AS (
    INSERT INTO import_failure (account_id, import_id, line, code, field)
    SELECT %(account_id)s, %(import_id)s, line, 'DUPLICATE_UNIQUE_PROPERTY_VALUE', %(name)s
      FROM gone
)
SELECT count(*) FROM gone
