-- The update date has begun: the next contacts staged for it stop counting (S1, U5). Archived and
-- erased ones as well. They are a range of numbers, so that one index answers whatever the planner
-- knows of a staging just made. Answers how many left and, if there are more, the number to go on
-- after.
WITH reached AS (
    SELECT max(contact_id) AS contact_id
      FROM (SELECT contact_id
              FROM marketing_contact
             WHERE account_id = %(account_id)s
               AND leaving_on = %(due_on)s
               AND contact_id > %(after)s
             ORDER BY contact_id
             LIMIT %(limit)s) AS next
), moved AS (
    DELETE FROM marketing_contact
     WHERE account_id = %(account_id)s
       AND leaving_on = %(due_on)s
       AND contact_id > %(after)s
       AND contact_id <= (SELECT contact_id FROM reached)
       AND {{among}}
    RETURNING contact_id
), written AS (
    INSERT INTO contact_change (account_id, contact_id, change_id, before, after)
    SELECT %(account_id)s, contact_id, %(change_id)s,
           jsonb_build_object('status', 'leaving', 'leaving_on', %(due_on)s::date),
           '{"status": "non_marketing"}'::jsonb
      FROM moved
)
SELECT count(*),
       (SELECT contact_id
          FROM reached
         WHERE EXISTS (SELECT
                         FROM marketing_contact
                        WHERE account_id = %(account_id)s
                          AND leaving_on = %(due_on)s
                          AND contact_id > reached.contact_id))
  FROM moved
