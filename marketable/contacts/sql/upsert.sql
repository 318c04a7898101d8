-- Take a batch of staged rows: create contacts for those without one, change those that differ,
-- with addresses, search words and ledger rows. Answers a row for each outcome: how many, the
-- lines, the contacts, and those among them whose search words must be made anew from all that is
-- stored. Mostly a row has every searched value of its contact, and its own words do.
--
-- Whatever is decided of a row is decided in `batch`, and never joined to it afterwards: the
-- planner does not know how many rows are new.
--
-- OFFSET 0 lets each step be computed once, and not again wherever it is used.
WITH batch AS MATERIALIZED (
    SELECT line, email, name_key, words, contact_id, old, given, wanted, is_different,
           is_found_otherwise,
           CASE WHEN contact_id IS NULL THEN fresh END AS fresh,
           CASE WHEN contact_id IS NULL AND %(may_create)s THEN nextval('contact_id_seq') END
               AS new_id,
           CASE WHEN is_found_otherwise
                THEN {{searched_wanted}} = {{searched_fresh}} AND email = primary_email
                     AND NOT EXISTS (SELECT
                                       FROM contact_address AS other
                                      WHERE other.account_id = %(account_id)s
                                        AND other.contact_id = judged.contact_id
                                        AND NOT other.is_primary)
                ELSE false END AS has_words
      FROM (SELECT differing.*,
                   CASE WHEN is_different THEN {{searched_old}} <> {{searched_wanted}}
                        ELSE false END AS is_found_otherwise
              FROM (SELECT matched.*,
                           contact_id IS NOT NULL AND wanted <> old AND %(may_update)s
                               AS is_different
                      FROM ({{matched_rows}} OFFSET 0) AS matched OFFSET 0) AS differing
            OFFSET 0) AS judged
), owned AS (
    INSERT INTO contact_address (account_id, address, contact_id, is_primary, is_live)
    SELECT %(account_id)s, email, new_id, true, true
      FROM batch
     WHERE new_id IS NOT NULL AND email IS NOT NULL
        ON CONFLICT DO NOTHING
    RETURNING contact_id
), made AS (
    INSERT INTO contact (account_id, id, email, name_key, properties, version, created_at,
                         updated_at)
    SELECT %(account_id)s, new_id, email, name_key, fresh, 1, %(now)s, %(now)s
      FROM batch
     WHERE new_id IS NOT NULL
), findable AS (
    INSERT INTO contact_search (account_id, contact_id, words)
    SELECT %(account_id)s, new_id, array_to_tsvector(string_to_array(words, ' '))
      FROM batch
     WHERE new_id IS NOT NULL
), told_made AS (
    INSERT INTO contact_change (account_id, contact_id, change_id, before, after)
    SELECT %(account_id)s, new_id, %(created_change_id)s, '{}',
           jsonb_build_object('properties', fresh
                              || CASE WHEN email IS NULL THEN '{}'::jsonb
                                      ELSE jsonb_build_object('email', email) END)
      FROM batch
     WHERE new_id IS NOT NULL
), altered AS (
    UPDATE contact
       SET properties = batch.wanted, version = version + 1, updated_at = %(now)s,
           name_key = CASE WHEN has_words THEN batch.name_key ELSE contact.name_key END
      FROM batch
     WHERE contact.account_id = %(account_id)s AND contact.id = batch.contact_id AND is_different
), refound AS (
    UPDATE contact_search
       SET words = array_to_tsvector(string_to_array(batch.words, ' '))
      FROM batch
     WHERE contact_search.account_id = %(account_id)s
       AND contact_search.contact_id = batch.contact_id
       AND has_words
), told_altered AS (
    INSERT INTO contact_change (account_id, contact_id, change_id, before, after)
    SELECT %(account_id)s, contact_id, %(changed_change_id)s,
           jsonb_build_object('properties', changes.before),
           jsonb_build_object('properties', changes.after)
      FROM batch
     CROSS JOIN LATERAL (
           SELECT jsonb_object_agg(key, old->key) AS before,
                  jsonb_object_agg(key, wanted->key) AS after
             FROM jsonb_object_keys(given) AS key
            WHERE old->key IS DISTINCT FROM wanted->key) AS changes
     WHERE is_different
), outcomes AS (
    SELECT line, coalesce(new_id, contact_id) AS contact_id,
           is_found_otherwise AND NOT has_words AS lacks_words,
           CASE WHEN new_id IS NOT NULL THEN 'created'
                WHEN is_different THEN 'updated'
                WHEN contact_id IS NULL THEN 'UPDATE_ONLY_IMPORT'
                WHEN %(may_update)s THEN 'unchanged'
                ELSE 'CREATE_ONLY_IMPORT' END AS outcome
      FROM batch
)
SELECT outcome, count(*)::int, array_agg(line), array_agg(contact_id),
       coalesce(array_agg(contact_id) FILTER (WHERE lacks_words), '{}')
  FROM outcomes
 GROUP BY outcome
 UNION ALL
SELECT 'OVERTAKEN', count(*)::int, '{}', '{}', '{}'
  FROM batch
 WHERE new_id IS NOT NULL AND email IS NOT NULL
HAVING count(*) > (SELECT count(*) FROM owned)
