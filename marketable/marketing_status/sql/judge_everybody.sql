-- What `judge.sql` finds of all live contacts of an account, counted without bringing every contact
-- together with its status: places on one side, contacts on the other, and only those who cannot
-- be reached are looked for on both. A test compares the two. Answers (live contacts, marketing,
-- staged, without address and status, refusing mail and without status).
WITH live AS (
    SELECT count(*) AS n,
           array_agg(c.id) FILTER (WHERE {{no_address}}) AS no_address,
           array_agg(c.id) FILTER (WHERE ({{no_address}}) IS NOT TRUE AND {{bounced}}) AS bounced
      FROM contact AS c
     WHERE c.account_id = %(account_id)s
       AND c.archived_at IS NULL
), places AS (
    SELECT count(*) FILTER (WHERE m.leaving_on IS NULL) AS marketing,
           count(*) FILTER (WHERE m.leaving_on > %(today)s) AS leaving
      FROM marketing_contact AS m
     WHERE m.account_id = %(account_id)s
), held AS (
    SELECT count(*) FILTER (WHERE m.leaving_on IS NULL) AS marketing,
           count(*) FILTER (WHERE m.leaving_on > %(today)s) AS leaving
      FROM contact AS c
      JOIN marketing_contact AS m ON m.account_id = c.account_id AND m.contact_id = c.id
     WHERE c.account_id = %(account_id)s
       AND c.archived_at IS NOT NULL
)
SELECT live.n,
       places.marketing - held.marketing,
       places.leaving - held.leaving,
       coalesce(cardinality(live.no_address), 0)
       - (SELECT count(*)
            FROM marketing_contact AS m
           WHERE m.account_id = %(account_id)s
             AND m.contact_id = ANY(live.no_address)
             AND (m.leaving_on IS NULL OR m.leaving_on > %(today)s)),
       coalesce(cardinality(live.bounced), 0)
       - (SELECT count(*)
            FROM marketing_contact AS m
           WHERE m.account_id = %(account_id)s
             AND m.contact_id = ANY(live.bounced)
             AND (m.leaving_on IS NULL OR m.leaving_on > %(today)s))
  FROM live, places, held
