-- Give the chosen live contacts {{wanted}} for a property, with the ledger rows. Those that have it
-- already, or may not have it, stay as they are. Rows are not locked before they are written, which
-- would write each twice: a contact that somebody changed since it was read here has moved from its
-- place, and is not found there. Answers how many were read, how many altered, and who.
WITH chosen AS MATERIALIZED (
    SELECT c.ctid AS place, c.id, c.properties->%(name)s AS was, {{wanted}} AS wanted
      FROM contact AS c
      {{joined}}
     WHERE c.account_id = %(account_id)s
       AND c.archived_at IS NULL
       AND {{belongs}}
       AND {{differs}}
     ORDER BY c.id
), altered AS (
    UPDATE contact
       SET properties = CASE WHEN chosen.wanted IS NULL THEN contact.properties - %(name)s
                             ELSE contact.properties
                                  || jsonb_build_object(%(name)s, chosen.wanted) END,
           version = version + 1, updated_at = %(now)s
      FROM chosen
     WHERE contact.account_id = %(account_id)s AND contact.ctid = chosen.place
    RETURNING contact.id, chosen.was, chosen.wanted
), written AS (
    INSERT INTO contact_change (account_id, contact_id, change_id, before, after)
    SELECT %(account_id)s, id, %(change_id)s,
           jsonb_build_object('properties', jsonb_build_object(%(name)s, was)),
           jsonb_build_object('properties', jsonb_build_object(%(name)s, wanted))
      FROM altered
)
SELECT (SELECT count(*) FROM chosen)::int, count(*)::int, array_agg(id)
  FROM altered
