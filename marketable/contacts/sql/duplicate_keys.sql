-- What contacts are compared by to find those that may be one person (S18): (id, reason, key) of
-- the live contacts that `among` chooses. Two with the same reason and key may be one. Public mail
-- hosts say nothing about who works where.
SELECT c.id, sign.reason, sign.key
  FROM contact AS c
 CROSS JOIN LATERAL (
       SELECT CASE WHEN c.properties->>'firstname' <> '' AND c.properties->>'lastname' <> ''
                   THEN c.name_key END AS full_name,
              split_part(c.email, '@', 1) AS local_part,
              split_part(c.email, '@', 2) AS host
       ) AS known
 CROSS JOIN LATERAL (VALUES
       ('phone', CASE WHEN c.properties ? 'phone'
                      THEN regexp_replace(c.properties->>'phone', '[^0-9]', '', 'g') END),
       ('phone', CASE WHEN c.properties ? 'mobilephone'
                      THEN regexp_replace(c.properties->>'mobilephone', '[^0-9]', '', 'g') END),
       ('name_company', full_name || '|' || lower(c.properties->>'company')),
       ('name_domain', CASE WHEN host <> ALL(%(public_hosts)s::text[])
                            THEN full_name || '|' || host END),
       ('local_part', CASE WHEN length(local_part) >= 5 AND full_name IS NOT NULL
                           THEN local_part || '|' || lower(c.properties->>'lastname') END)
       ) AS told (reason, told)
 CROSS JOIN LATERAL (
       SELECT told.reason,
              CASE WHEN told.reason <> 'phone' THEN told.told
                   WHEN length(told.told) >= 9 THEN right(told.told, 9) END AS key
       ) AS sign
 WHERE c.account_id = %(account_id)s AND c.archived_at IS NULL AND {{among}}
   AND sign.key IS NOT NULL
