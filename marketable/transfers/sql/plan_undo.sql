-- What undoing an import would do: the counts of contacts archived, of those holding a place, of
-- those restored, of those kept in part or whole, and of those staged. The same tests as undoing.
WITH altered AS MATERIALIZED (
    SELECT touched.contact_id AS id, change.kind,
           touched.before->'properties' AS before, touched.after->'properties' AS after
      FROM change
      JOIN contact_change AS touched
        ON touched.account_id = change.account_id AND touched.change_id = change.id
     WHERE change.account_id = %(account_id)s AND change.source_type = 'IMPORT'
       AND change.source_id = %(sel_import)s
), started AS (
    SELECT altered.id
      FROM altered
      JOIN marketing_contact AS status
        ON status.account_id = %(account_id)s AND status.contact_id = altered.id
       AND status.leaving_on IS NULL
      JOIN change AS cause
        ON cause.account_id = status.account_id AND cause.id = status.change_id
       AND cause.source_type = 'IMPORT' AND cause.source_id = %(sel_import)s
     WHERE altered.kind = 'status_started'
), made AS (
    SELECT altered.id, status.contact_id IS NOT NULL AS is_held
      FROM altered
      JOIN contact
        ON contact.account_id = %(account_id)s AND contact.id = altered.id
       AND contact.archived_at IS NULL
      LEFT JOIN marketing_contact AS status
        ON status.account_id = contact.account_id AND status.contact_id = contact.id
       AND (status.leaving_on IS NULL OR status.leaving_on > %(today)s)
     WHERE altered.kind = 'contact_created'
), changed AS (
    SELECT bool_or(is_still) AS is_restored, NOT bool_and(is_still) AS is_kept
      FROM altered
      JOIN contact
        ON contact.account_id = %(account_id)s AND contact.id = altered.id
       AND contact.archived_at IS NULL
     CROSS JOIN LATERAL (
           SELECT coalesce(contact.properties->key, 'null') = coalesce(value, 'null') AS is_still
             FROM jsonb_each(altered.after)) AS each_value
     WHERE altered.kind = 'contact_changed'
     GROUP BY altered.id
)
SELECT (SELECT count(*) FROM made),
       (SELECT count(*) FROM made WHERE is_held),
       (SELECT count(*) FROM changed WHERE is_restored),
       (SELECT count(*) FROM changed WHERE is_kept),
       (SELECT count(*) FROM started)
