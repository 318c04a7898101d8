-- Contacts that a bulk action moved from {{before}} to {{after}} and whose status nobody has
-- touched since.
SELECT moved.contact_id AS id
  FROM change
  JOIN contact_change AS moved
    ON moved.account_id = change.account_id AND moved.change_id = change.id
 WHERE change.account_id = %(account_id)s
   AND change.bulk_action_id = %(sel_bulk_action_id)s
   AND moved.before->>'status' = '{{before}}'
   AND moved.after->>'status' = '{{after}}'
   AND NOT EXISTS (SELECT
                     FROM contact_change AS later
                    WHERE later.account_id = moved.account_id
                      AND later.contact_id = moved.contact_id
                      AND later.change_id > moved.change_id
                      AND later.after ? 'status')
