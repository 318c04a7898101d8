-- Contacts that a bulk action altered.
SELECT altered.contact_id AS id
  FROM change
  JOIN contact_change AS altered
    ON altered.account_id = change.account_id AND altered.change_id = change.id
 WHERE change.account_id = %(account_id)s
   AND change.bulk_action_id = %(sel_bulk_action_id)s
