-- What an import would do to each staged row, and to the status of its contact. Answers counts by
-- (outcome, verdict). Verdicts are those of a start (S19). OFFSET 0
-- lets the values of a row be put together once.
WITH batch AS (
    {{matched_rows}}
    OFFSET 0
)
SELECT CASE WHEN batch.contact_id IS NULL THEN 'created'
            WHEN wanted = old THEN 'unchanged'
            ELSE 'updated' END AS outcome,
       CASE WHEN status.leaving_on IS NOT NULL THEN 'kept'
            WHEN status.contact_id IS NOT NULL THEN 'already'
            WHEN %(include_unreachable)s THEN 'set'
            WHEN batch.contact_id IS NULL AND batch.email IS NULL THEN 'NO_ADDRESS'
            WHEN coalesce(wanted, fresh) ? 'hs_email_hard_bounce_reason_enum' THEN 'HARD_BOUNCED'
            ELSE 'set' END AS verdict,
       count(*)
  FROM batch
  LEFT JOIN marketing_contact AS status
    ON status.account_id = %(account_id)s AND status.contact_id = batch.contact_id
   AND (status.leaving_on IS NULL OR status.leaving_on > %(today)s)
 GROUP BY 1, 2
