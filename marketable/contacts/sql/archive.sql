-- Put locked live contacts into the recycle bin. A marketing one is staged and holds its place
-- until the update date (S10); addresses and unique values are free again at once.
WITH gone AS (
    UPDATE contact
       SET archived_at = %(now)s, updated_at = %(now)s, version = version + 1
     WHERE account_id = %(account_id)s AND id = ANY(%(ids)s)
    RETURNING id
), held AS (
    UPDATE marketing_contact
       SET leaving_on = %(update_date)s,
           since = CASE WHEN (since AT TIME ZONE 'UTC')::date > %(update_date)s
                        THEN %(now)s ELSE since END
     WHERE account_id = %(account_id)s AND contact_id = ANY(%(ids)s) AND leaving_on IS NULL
    RETURNING contact_id
), freed AS (
    UPDATE contact_address
       SET is_live = false
     WHERE account_id = %(account_id)s AND contact_id = ANY(%(ids)s)
), freed_values AS (
    DELETE FROM unique_value
     WHERE account_id = %(account_id)s AND contact_id = ANY(%(ids)s)
), written AS (
    INSERT INTO contact_change (account_id, contact_id, change_id, before, after)
    SELECT %(account_id)s, gone.id, %(change_id)s,
           '{"archived": false}'::jsonb
           || CASE WHEN held.contact_id IS NULL THEN '{}'::jsonb
                   ELSE '{"status": "marketing"}'::jsonb END,
           '{"archived": true}'::jsonb
           || CASE WHEN held.contact_id IS NULL THEN '{}'::jsonb
                   ELSE jsonb_build_object('status', 'leaving',
                                           'leaving_on', %(update_date)s::date) END
      FROM gone
      LEFT JOIN held ON held.contact_id = gone.id
)
SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM held)
