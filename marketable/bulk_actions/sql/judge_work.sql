-- What an action that does not move the status would do to each chosen contact: {{verdict}}.
SELECT c.id, {{verdict}} AS verdict
  FROM contact AS c
  {{joined}}
 WHERE c.account_id = %(account_id)s
   AND {{state}}
   AND {{belongs}}
