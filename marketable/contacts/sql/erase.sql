-- Leave a tombstone of locked contacts: number, dates and status row (S14). Personal values are
-- blanked inside the ledger as well; ids, times, kinds and states stay (L4).
WITH blanked AS (
    UPDATE contact_change
       SET before = (before - 'properties' - 'addresses')
                    || CASE WHEN before ? 'properties' OR before ? 'addresses'
                            THEN '{"erased": true}'::jsonb ELSE '{}'::jsonb END,
           after = (after - 'properties' - 'addresses')
                   || CASE WHEN after ? 'properties' OR after ? 'addresses'
                           THEN '{"erased": true}'::jsonb ELSE '{}'::jsonb END
     WHERE account_id = %(account_id)s AND contact_id = ANY(%(ids)s)
), gone AS (
    UPDATE contact
       SET email = NULL, name_key = '', properties = '{}', version = version + 1,
           archived_at = coalesce(archived_at, %(now)s), erased_at = %(now)s, updated_at = %(now)s
     WHERE account_id = %(account_id)s AND id = ANY(%(ids)s)
    RETURNING id
), held AS (
    UPDATE marketing_contact
       SET leaving_on = %(update_date)s,
           since = CASE WHEN (since AT TIME ZONE 'UTC')::date > %(update_date)s
                        THEN %(now)s ELSE since END
     WHERE account_id = %(account_id)s AND contact_id = ANY(%(ids)s) AND leaving_on IS NULL
    RETURNING contact_id
), addresses AS (
    DELETE FROM contact_address
     WHERE account_id = %(account_id)s AND contact_id = ANY(%(ids)s)
), words AS (
    DELETE FROM contact_search
     WHERE account_id = %(account_id)s AND contact_id = ANY(%(ids)s)
), notes AS (
    DELETE FROM contact_note
     WHERE account_id = %(account_id)s AND contact_id = ANY(%(ids)s)
), pairs AS (
    DELETE FROM duplicate_pair
     WHERE account_id = %(account_id)s
       AND (first_id = ANY(%(ids)s) OR second_id = ANY(%(ids)s))
), freed_values AS (
    DELETE FROM unique_value
     WHERE account_id = %(account_id)s AND contact_id = ANY(%(ids)s)
), blocked AS (
    INSERT INTO blocked_address (account_id, address_hash, blocked_at)
    SELECT %(account_id)s, unnest(%(hashes)s::text[]), %(now)s
        ON CONFLICT DO NOTHING
), written AS (
    INSERT INTO contact_change (account_id, contact_id, change_id, before, after)
    SELECT %(account_id)s, gone.id, %(change_id)s,
           CASE WHEN held.contact_id IS NULL THEN '{}'::jsonb
                ELSE '{"status": "marketing"}'::jsonb END,
           '{"erased": true}'::jsonb
           || CASE WHEN held.contact_id IS NULL THEN '{}'::jsonb
                   ELSE jsonb_build_object('status', 'leaving',
                                           'leaving_on', %(update_date)s::date) END
      FROM gone
      LEFT JOIN held ON held.contact_id = gone.id
)
SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM held)
