-- Take a batch of staged rows: create contacts for those without one, change those that differ,
-- with addresses, search words of the new ones and ledger rows. Answers the outcome of each row.
WITH batch AS MATERIALIZED (
    {{matched_rows}}
), fresh AS MATERIALIZED (
    SELECT nextval('contact_id_seq') AS id, batch.*
      FROM batch
     WHERE contact_id IS NULL AND %(may_create)s
), owned AS (
    INSERT INTO contact_address (account_id, address, contact_id, is_primary, is_live)
    SELECT %(account_id)s, email, id, true, true
      FROM fresh
     WHERE email IS NOT NULL
        ON CONFLICT DO NOTHING
    RETURNING contact_id
), made AS (
    INSERT INTO contact (account_id, id, email, name_key, properties, version, created_at,
                         updated_at)
    SELECT %(account_id)s, id, email, name_key, fresh, 1, %(now)s, %(now)s
      FROM fresh
     WHERE email IS NULL OR id IN (SELECT contact_id FROM owned)
    RETURNING id
), findable AS (
    INSERT INTO contact_search (account_id, contact_id, words)
    SELECT %(account_id)s, fresh.id, array_to_tsvector(string_to_array(words, ' '))
      FROM fresh JOIN made USING (id)
), told_made AS (
    INSERT INTO contact_change (account_id, contact_id, change_id, before, after)
    SELECT %(account_id)s, fresh.id, %(created_change_id)s, '{}',
           jsonb_build_object('properties', fresh
                              || CASE WHEN email IS NULL THEN '{}'::jsonb
                                      ELSE jsonb_build_object('email', email) END)
      FROM fresh JOIN made USING (id)
), different AS MATERIALIZED (
    SELECT * FROM batch WHERE contact_id IS NOT NULL AND wanted <> old AND %(may_update)s
), altered AS (
    UPDATE contact
       SET properties = different.wanted, version = version + 1, updated_at = %(now)s
      FROM different
     WHERE contact.account_id = %(account_id)s AND contact.id = different.contact_id
    RETURNING contact.id
), told_altered AS (
    INSERT INTO contact_change (account_id, contact_id, change_id, before, after)
    SELECT %(account_id)s, different.contact_id, %(changed_change_id)s,
           jsonb_build_object('properties', changes.before),
           jsonb_build_object('properties', changes.after)
      FROM different
      JOIN altered ON altered.id = different.contact_id
     CROSS JOIN LATERAL (
           SELECT jsonb_object_agg(key, old->key) AS before, jsonb_object_agg(key, value) AS after
             FROM jsonb_each(wanted)
            WHERE old->key IS DISTINCT FROM value) AS changes
)
SELECT batch.line,
       CASE WHEN made.id IS NOT NULL THEN 'created'
            WHEN altered.id IS NOT NULL THEN 'updated'
            WHEN batch.contact_id IS NOT NULL THEN
                CASE WHEN %(may_update)s THEN 'unchanged' ELSE 'CREATE_ONLY_IMPORT' END
            WHEN NOT %(may_create)s THEN 'UPDATE_ONLY_IMPORT'
            ELSE 'DUPLICATE_ALTERNATE_ID' END AS outcome,
       coalesce(made.id, batch.contact_id),
       altered.id IS NOT NULL AND (old ?| %(searched)s OR wanted ?| %(searched)s)
           AND EXISTS (SELECT FROM unnest(%(searched)s::text[]) AS name
                        WHERE old->name IS DISTINCT FROM wanted->name)
  FROM batch
  LEFT JOIN fresh ON fresh.line = batch.line
  LEFT JOIN made ON made.id = fresh.id
  LEFT JOIN altered ON altered.id = batch.contact_id
