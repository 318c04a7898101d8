-- Take a batch of staged rows: create contacts for those without one, change those that differ,
-- with addresses, search words and ledger rows. Answers a row for each outcome: how many, the
-- lines, the contacts, and those among them whose search words must be made anew from all that is
-- stored. Mostly a row has every searched value of its contact, and its own words do.
WITH batch AS MATERIALIZED (
    {{matched_rows}}
), fresh AS MATERIALIZED (
    SELECT nextval('contact_id_seq') AS id, batch.line, batch.email, batch.name_key, batch.words,
           batch.fresh
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
    RETURNING id
), findable AS (
    INSERT INTO contact_search (account_id, contact_id, words)
    SELECT %(account_id)s, id, array_to_tsvector(string_to_array(words, ' '))
      FROM fresh
), told_made AS (
    INSERT INTO contact_change (account_id, contact_id, change_id, before, after)
    SELECT %(account_id)s, id, %(created_change_id)s, '{}',
           jsonb_build_object('properties', fresh
                              || CASE WHEN email IS NULL THEN '{}'::jsonb
                                      ELSE jsonb_build_object('email', email) END)
      FROM fresh
), different AS MATERIALIZED (
    SELECT contact_id, old, wanted, name_key, words, found_by <> found_by_before AS is_searched,
           found_by <> found_by_before AND found_by = found_by_row AND email = primary_email
               AND NOT EXISTS (SELECT
                                 FROM contact_address AS other
                                WHERE other.account_id = %(account_id)s
                                  AND other.contact_id = batch.contact_id
                                  AND NOT other.is_primary) AS has_words
      FROM batch
     CROSS JOIN LATERAL (
           SELECT {{searched_old}} AS found_by_before, {{searched_wanted}} AS found_by,
                  {{searched_fresh}} AS found_by_row) AS searched
     WHERE contact_id IS NOT NULL AND wanted <> old AND %(may_update)s
), altered AS (
    UPDATE contact
       SET properties = different.wanted, version = version + 1, updated_at = %(now)s,
           name_key = CASE WHEN has_words THEN different.name_key ELSE contact.name_key END
      FROM different
     WHERE contact.account_id = %(account_id)s AND contact.id = different.contact_id
), refound AS (
    UPDATE contact_search
       SET words = array_to_tsvector(string_to_array(different.words, ' '))
      FROM different
     WHERE contact_search.account_id = %(account_id)s
       AND contact_search.contact_id = different.contact_id
       AND has_words
), told_altered AS (
    INSERT INTO contact_change (account_id, contact_id, change_id, before, after)
    SELECT %(account_id)s, different.contact_id, %(changed_change_id)s,
           jsonb_build_object('properties', changes.before),
           jsonb_build_object('properties', changes.after)
      FROM different
     CROSS JOIN LATERAL (
           SELECT jsonb_object_agg(key, old->key) AS before, jsonb_object_agg(key, value) AS after
             FROM jsonb_each(wanted)
            WHERE old->key IS DISTINCT FROM value) AS changes
), judged AS (
    SELECT batch.line, coalesce(fresh.id, batch.contact_id) AS contact_id,
           different.is_searched AND NOT different.has_words AS lacks_words,
           CASE WHEN fresh.id IS NOT NULL
                THEN CASE WHEN batch.email IS NULL OR owned.contact_id IS NOT NULL THEN 'created'
                          ELSE 'OVERTAKEN' END
                WHEN different.contact_id IS NOT NULL THEN 'updated'
                WHEN batch.contact_id IS NULL THEN 'UPDATE_ONLY_IMPORT'
                WHEN %(may_update)s THEN 'unchanged'
                ELSE 'CREATE_ONLY_IMPORT' END AS outcome
      FROM batch
      LEFT JOIN fresh ON fresh.line = batch.line
      LEFT JOIN owned ON owned.contact_id = fresh.id
      LEFT JOIN different ON different.contact_id = batch.contact_id
)
SELECT outcome, count(*)::int, array_agg(line), array_agg(contact_id),
       coalesce(array_agg(contact_id) FILTER (WHERE lacks_words), '{}')
  FROM judged
 GROUP BY outcome
