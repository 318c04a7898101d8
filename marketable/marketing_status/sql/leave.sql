-- The update date has begun: the next contacts staged for it stop counting (S1, U5). Archived and
-- erased ones as well. Answers how many, and the last one's number to go on after.
WITH due AS (
    SELECT contact_id
      FROM marketing_contact
     WHERE account_id = %(account_id)s
       AND leaving_on = %(due_on)s
       AND contact_id > %(after)s
       AND {{among}}
     ORDER BY contact_id
     LIMIT %(limit)s
), moved AS (
    DELETE FROM marketing_contact
     WHERE account_id = %(account_id)s
       AND contact_id IN (SELECT contact_id FROM due)
       AND leaving_on = %(due_on)s
    RETURNING contact_id
), written AS (
    INSERT INTO contact_change (account_id, contact_id, change_id, before, after)
    SELECT %(account_id)s, contact_id, %(change_id)s,
           jsonb_build_object('status', 'leaving', 'leaving_on', %(due_on)s::date),
           '{"status": "non_marketing"}'::jsonb
      FROM moved
)
SELECT count(*), (SELECT max(contact_id) FROM due) FROM moved
