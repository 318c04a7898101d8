-- Withdraw the staging of the chosen live contacts, until the update date begins (S6). The lock
-- keeps an archived contact's held place from being kept (S10). Status rows are reached from the
-- chosen ones: with IS TRUE the planner cannot begin with everybody who is staged.
WITH chosen AS MATERIALIZED (
    SELECT c.id
      FROM contact AS c
     WHERE c.account_id = %(account_id)s
       AND c.archived_at IS NULL
       AND {{belongs}}
    {{locked}}
), moved AS (
    UPDATE marketing_contact
       SET leaving_on = NULL
     WHERE account_id = %(account_id)s
       AND contact_id = ANY(ARRAY(SELECT id FROM chosen))
       AND (leaving_on > %(today)s) IS TRUE
    RETURNING contact_id
), written AS (
    INSERT INTO contact_change (account_id, contact_id, change_id, before, after)
    SELECT %(account_id)s, contact_id, %(change_id)s,
           jsonb_build_object('status', 'leaving', 'leaving_on', {{staged_for}}),
           '{"status": "marketing"}'::jsonb
      FROM moved
)
SELECT 0, count(*), 0
  FROM moved
