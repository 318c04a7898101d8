-- Chosen live contacts without a place, each with the archived contact of the same address that
-- still holds one (S11).
SELECT DISTINCT ON (fresh.contact_id) held.contact_id AS old_id, fresh.contact_id AS new_id
  FROM marketing_contact AS held
  JOIN contact AS gone
    ON gone.account_id = held.account_id AND gone.id = held.contact_id
   AND gone.archived_at IS NOT NULL
  JOIN contact_address AS old
    ON old.account_id = held.account_id AND old.contact_id = held.contact_id
   AND NOT old.is_live
  JOIN contact_address AS fresh
    ON fresh.account_id = held.account_id AND fresh.address = old.address AND fresh.is_live
  LEFT JOIN marketing_contact AS present
    ON present.account_id = fresh.account_id AND present.contact_id = fresh.contact_id
   AND (present.leaving_on IS NULL OR present.leaving_on > %(today)s)
 WHERE held.account_id = %(account_id)s
   AND held.leaving_on > %(today)s
   AND present.contact_id IS NULL
   AND fresh.contact_id IN ({{chosen}})
 ORDER BY fresh.contact_id, held.contact_id
