-- Stage the chosen contacts as non-marketing on the update date (S5). A contact that is not
-- marketing, or is staged already, stays as it is; archived ones are staged always (S10). One that
-- was started by a clock that has gone back since was started now. Answers one row of counts.
WITH moved AS (
    UPDATE marketing_contact
       SET leaving_on = %(update_date)s,
           since = CASE WHEN (since AT TIME ZONE 'UTC')::date > %(update_date)s
                        THEN %(now)s ELSE since END
     WHERE account_id = %(account_id)s
       AND {{among}}
       AND leaving_on IS NULL
    RETURNING contact_id
), written AS (
    INSERT INTO contact_change (account_id, contact_id, change_id, before, after)
    SELECT %(account_id)s, contact_id, %(change_id)s,
           '{"status": "marketing"}'::jsonb,
           jsonb_build_object('status', 'leaving', 'leaving_on', %(update_date)s::date)
      FROM moved
)
SELECT 0, 0, count(*)
  FROM moved
