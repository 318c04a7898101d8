-- What an action would do to each chosen live contact. {{answer}} is made of `queries.JUDGEMENTS`;
-- a test compares them with TRANSITIONS for every status.
SELECT {{answer}}
  FROM contact AS c
  LEFT JOIN marketing_contact AS m
    ON m.account_id = c.account_id
   AND m.contact_id = c.id
   AND (m.leaving_on IS NULL OR m.leaving_on > %(today)s)
 WHERE c.account_id = %(account_id)s
   AND c.archived_at IS NULL
   AND {{belongs}}
