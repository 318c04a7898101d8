-- What an action would do to each chosen live contact. {{verdict}} is one of the expressions of
-- `queries.VERDICTS`; a test compares them with TRANSITIONS for every status.
SELECT contact.id, {{verdict}} AS verdict
  FROM contact
  LEFT JOIN marketing_contact AS status
    ON status.account_id = contact.account_id
   AND status.contact_id = contact.id
   AND (status.leaving_on IS NULL OR status.leaving_on > %(today)s)
 WHERE contact.account_id = %(account_id)s
   AND contact.archived_at IS NULL
   AND contact.id IN ({{chosen}})
