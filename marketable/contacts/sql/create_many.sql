-- Create contacts with their addresses, search words and ledger rows. `words` is one text a
-- contact, its folded words parted by spaces. Answers their numbers in the order given.
WITH given AS MATERIALIZED (
    SELECT nextval('contact_id_seq') AS id, place, email, name_key, properties::jsonb, words
      FROM unnest(%(emails)s::text[], %(name_keys)s::text[], %(properties)s::text[],
                  %(words)s::text[])
           WITH ORDINALITY AS row (email, name_key, properties, words, place)
), made AS (
    INSERT INTO contact (account_id, id, email, name_key, properties, version, created_at,
                         updated_at)
    SELECT %(account_id)s, id, email, name_key, properties, 1, %(now)s, %(now)s
      FROM given
), owned AS (
    INSERT INTO contact_address (account_id, address, contact_id, is_primary, is_live)
    SELECT %(account_id)s, email, id, true, true
      FROM given
     WHERE email IS NOT NULL
), findable AS (
    INSERT INTO contact_search (account_id, contact_id, words)
    SELECT %(account_id)s, id, array_to_tsvector(string_to_array(words, ' '))
      FROM given
), written AS (
    INSERT INTO contact_change (account_id, contact_id, change_id, before, after)
    SELECT %(account_id)s, id, %(change_id)s, '{}',
           jsonb_build_object('properties', properties
                              || CASE WHEN email IS NULL THEN '{}'::jsonb
                                      ELSE jsonb_build_object('email', email) END)
      FROM given
)
SELECT id FROM given ORDER BY place
