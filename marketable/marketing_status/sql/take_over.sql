-- A contact started while an archived contact with the same address still holds a place takes
-- that place over (S11): the old row goes, the new one is added by start.sql, usage stays. The lock
-- is that of start.sql: who is deleted meanwhile takes no place over.
WITH chosen AS MATERIALIZED (
    SELECT c.id
      FROM contact AS c
     WHERE c.account_id = %(account_id)s
       AND c.archived_at IS NULL
       AND {{belongs}}
    {{locked}}
), pairs AS (
    {{pairs}}
), moved AS (
    DELETE FROM marketing_contact
     WHERE account_id = %(account_id)s
       AND contact_id IN (SELECT old_id FROM pairs)
    RETURNING contact_id, leaving_on
), written AS (
    INSERT INTO contact_change (account_id, contact_id, change_id, before, after)
    SELECT %(account_id)s, contact_id, %(change_id)s,
           jsonb_build_object('status', 'leaving', 'leaving_on', leaving_on),
           jsonb_build_object('status', 'non_marketing', 'place_moved', true)
      FROM moved
)
SELECT count(*) FROM moved
