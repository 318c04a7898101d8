-- Withdraw the staging of the chosen live contacts, until the update date begins (S6). The lock
-- keeps an archived contact's held place from being kept (S10).
WITH chosen AS MATERIALIZED (
    SELECT contact.id
      FROM contact
     WHERE contact.account_id = %(account_id)s
       AND contact.archived_at IS NULL
       AND contact.id IN ({{chosen}})
     ORDER BY contact.id
       FOR KEY SHARE
), moved AS (
    UPDATE marketing_contact
       SET leaving_on = NULL
     WHERE account_id = %(account_id)s
       AND contact_id IN (SELECT id FROM chosen)
       AND leaving_on > %(today)s
    RETURNING contact_id
), written AS (
    INSERT INTO contact_change (account_id, contact_id, change_id, before, after)
    SELECT %(account_id)s, contact_id, %(change_id)s,
           jsonb_build_object('status', 'leaving', 'leaving_on', %(update_date)s::date),
           '{"status": "marketing"}'::jsonb
      FROM moved
)
SELECT (SELECT count(*) FROM chosen), 0, count(*), 0
  FROM moved
