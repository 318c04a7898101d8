-- Start the chosen live contacts: those without a row get one, a staging is withdrawn (S4, S6).
-- The lock makes a start wait for an archive, erasure or merge under way and test again.
-- Rows whose date has come are gone before this runs (U6). Answers one row of counts.
WITH chosen AS MATERIALIZED (
    SELECT c.id
      FROM contact AS c
     WHERE c.account_id = %(account_id)s
       AND c.archived_at IS NULL
       AND {{belongs}}
    {{locked}}
), moved AS (
    INSERT INTO marketing_contact AS status
           (account_id, contact_id, since, source_type, source_id, change_id)
    SELECT %(account_id)s, id, %(now)s, %(tool)s, %(tool_id)s, %(change_id)s
      FROM chosen
        ON CONFLICT (account_id, contact_id) DO UPDATE
       SET leaving_on = NULL
     WHERE status.leaving_on > %(today)s
    RETURNING contact_id, change_id = %(change_id)s AS is_new
), written AS (
    INSERT INTO contact_change (account_id, contact_id, change_id, before, after)
    SELECT %(account_id)s, contact_id, %(change_id)s,
           CASE WHEN is_new THEN '{"status": "non_marketing"}'::jsonb
                ELSE jsonb_build_object('status', 'leaving', 'leaving_on', {{staged_for}})
           END,
           '{"status": "marketing"}'::jsonb
      FROM moved
)
SELECT count(*) FILTER (WHERE is_new),
       count(*) FILTER (WHERE NOT is_new),
       0
  FROM moved
