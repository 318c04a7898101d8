-- Live contacts of an undone import that were touched in between: those it had created and that
-- were not deleted, and those that still have a value it had set, which what the undo wrote back
-- lacks.
SELECT DISTINCT altered.contact_id
  FROM change
  JOIN contact_change AS altered
    ON altered.account_id = change.account_id AND altered.change_id = change.id
  JOIN contact
    ON contact.account_id = altered.account_id AND contact.id = altered.contact_id
   AND contact.archived_at IS NULL
 WHERE change.account_id = %(account_id)s AND change.source_type = 'IMPORT'
   AND change.source_id = %(sel_import)s AND change.kind IN ('contact_created', 'contact_changed')
   AND NOT EXISTS (
       SELECT
         FROM contact_change AS back
         JOIN change AS undoing
           ON undoing.account_id = back.account_id AND undoing.id = back.change_id
        WHERE back.account_id = altered.account_id AND back.contact_id = altered.contact_id
          AND undoing.source_type = 'UNDO' AND undoing.source_id = 'import:' || %(sel_import)s
          AND CASE change.kind
              WHEN 'contact_created' THEN undoing.kind = 'contact_archived'
              ELSE undoing.kind = 'contact_changed'
                   AND back.after->'properties'
                       ?& ARRAY(SELECT jsonb_object_keys(altered.before->'properties'))
              END)
 ORDER BY altered.contact_id
 LIMIT %(limit)s
