-- What `judge.sql` finds of chosen live contacts whose status says all that chooses them, without
-- reading contacts: half a million narrow rows, less the few that belong to deleted contacts. A test
-- compares the two.
SELECT {{answer}}
  FROM marketing_contact AS m
 WHERE m.account_id = %(account_id)s
   AND (m.leaving_on IS NULL OR m.leaving_on > %(today)s)
   AND {{belongs}}
   AND NOT EXISTS (SELECT FROM contact AS gone
                    WHERE gone.account_id = m.account_id AND gone.id = m.contact_id
                      AND gone.archived_at IS NOT NULL)
