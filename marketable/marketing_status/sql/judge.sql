-- What an action would do to each chosen live contact. {{verdict}} is one of the expressions of
-- `queries.VERDICTS`; a test compares them with TRANSITIONS for every status.
SELECT c.id, {{verdict}} AS verdict
  FROM contact AS c
  LEFT JOIN marketing_contact AS status
    ON status.account_id = c.account_id
   AND status.contact_id = c.id
   AND (status.leaving_on IS NULL OR status.leaving_on > %(today)s)
 WHERE c.account_id = %(account_id)s
   AND c.archived_at IS NULL
   AND {{belongs}}
