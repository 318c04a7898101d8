-- What undoing an import would do: the counts of contacts archived, of those holding a place, of
-- those restored, of those kept in part or whole, and of those staged. The same tests as undoing.
WITH altered AS MATERIALIZED (
    SELECT altered.account_id, altered.contact_id, altered.change_id, change.kind,
           altered.before, altered.after, contact.properties
      FROM change
      JOIN contact_change AS altered
        ON altered.account_id = change.account_id AND altered.change_id = change.id
      JOIN contact
        ON contact.account_id = altered.account_id AND contact.id = altered.contact_id
       AND contact.archived_at IS NULL
     WHERE change.account_id = %(account_id)s AND change.source_type = 'IMPORT'
       AND change.source_id = %(sel_import)s
       AND change.kind IN ('contact_created', 'contact_changed', 'status_started')
), started AS (
    SELECT contact_id FROM altered WHERE kind = 'status_started' AND {{still_started}}
), made AS (
    SELECT status.contact_id IS NOT NULL AS is_held, {{touched_since}} AS is_kept
      FROM altered
      LEFT JOIN marketing_contact AS status
        ON status.account_id = altered.account_id AND status.contact_id = altered.contact_id
       AND (status.leaving_on IS NULL OR status.leaving_on > %(sel_today)s)
     WHERE kind = 'contact_created'
), changed AS (
    SELECT bool_or(is_still) AS is_restored, NOT bool_and(is_still) AS is_kept
      FROM altered
     CROSS JOIN LATERAL (
           SELECT coalesce(properties->key, 'null') = coalesce(value, 'null') AS is_still
             FROM jsonb_each(after->'properties')) AS each_value
     WHERE kind = 'contact_changed'
     GROUP BY contact_id
)
SELECT (SELECT count(*) FROM made WHERE NOT is_kept),
       (SELECT count(*) FROM made WHERE NOT is_kept AND is_held),
       (SELECT count(*) FROM changed WHERE is_restored),
       (SELECT count(*) FROM changed WHERE is_kept) + (SELECT count(*) FROM made WHERE is_kept),
       (SELECT count(*) FROM started)
