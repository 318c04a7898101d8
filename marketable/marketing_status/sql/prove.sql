-- V4 and V13: counter, rows, fold of the ledger's deltas, and how many contacts have a status
-- that their last ledger row does not explain. Everything is read in one snapshot.
WITH last_word AS (
    SELECT DISTINCT ON (contact_id) contact_id, after->>'status' AS status,
           after->>'leaving_on' AS leaving_on
      FROM contact_change
     WHERE account_id = %(account_id)s AND after ? 'status'
     ORDER BY contact_id, change_id DESC
), present AS (
    SELECT contact_id, CASE WHEN leaving_on IS NULL THEN 'marketing' ELSE 'leaving' END AS status,
           leaving_on::text AS leaving_on, change_id
      FROM marketing_contact
     WHERE account_id = %(account_id)s
)
SELECT (SELECT counter FROM account_usage WHERE account_id = %(account_id)s),
       (SELECT count(*) FROM present),
       (SELECT coalesce(sum(marketing_delta), 0) FROM change WHERE account_id = %(account_id)s),
       (SELECT count(*)
          FROM present
          FULL JOIN last_word USING (contact_id)
         WHERE coalesce(present.status, 'non_marketing')
               IS DISTINCT FROM coalesce(last_word.status, 'non_marketing')
            OR present.leaving_on IS DISTINCT FROM last_word.leaving_on)
       + (SELECT count(*)
            FROM present
           WHERE NOT EXISTS (SELECT FROM change
                              WHERE account_id = %(account_id)s AND id = present.change_id))
