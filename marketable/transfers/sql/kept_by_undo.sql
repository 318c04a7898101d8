-- Contacts of an undone import that still have a value it had set, because somebody touched them
-- in between: what the undo wrote back for them lacks that value. Archived ones are left out.
SELECT DISTINCT touched.contact_id
  FROM change
  JOIN contact_change AS touched
    ON touched.account_id = change.account_id AND touched.change_id = change.id
  JOIN contact
    ON contact.account_id = touched.account_id AND contact.id = touched.contact_id
   AND contact.archived_at IS NULL
 WHERE change.account_id = %(account_id)s AND change.source_type = 'IMPORT'
   AND change.source_id = %(sel_import)s AND change.kind = 'contact_changed'
   AND NOT EXISTS (
       SELECT
         FROM contact_change AS back
         JOIN change AS undoing
           ON undoing.account_id = back.account_id AND undoing.id = back.change_id
        WHERE back.account_id = touched.account_id AND back.contact_id = touched.contact_id
          AND undoing.source_type = 'UNDO' AND undoing.source_id = 'import:' || %(sel_import)s
          AND undoing.kind = 'contact_changed'
          AND back.after->'properties'
              ?& ARRAY(SELECT jsonb_object_keys(touched.before->'properties')))
 ORDER BY touched.contact_id
 LIMIT %(limit)s
