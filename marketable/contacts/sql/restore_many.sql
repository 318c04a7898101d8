-- Make locked contacts of the recycle bin live again, with their addresses; those whose deletion
-- staged them, and that still hold their place, get back the state they had (S7). Answers how many.
WITH back AS (
    UPDATE contact
       SET archived_at = NULL, updated_at = %(now)s, version = version + 1
     WHERE account_id = %(account_id)s AND id = ANY(%(ids)s)
    RETURNING id
), staged AS MATERIALIZED (
    SELECT contact_id, leaving_on
      FROM marketing_contact AS status
     WHERE account_id = %(account_id)s AND contact_id = ANY(%(ids)s) AND leaving_on > %(today)s
       AND (SELECT told.before->>'status'
              FROM contact_change AS told
             WHERE told.account_id = %(account_id)s
               AND told.contact_id = status.contact_id
               AND told.after->>'archived' = 'true'
             ORDER BY told.change_id DESC
             LIMIT 1) = 'marketing'
), kept AS (
    UPDATE marketing_contact
       SET leaving_on = NULL
      FROM staged
     WHERE marketing_contact.account_id = %(account_id)s
       AND marketing_contact.contact_id = staged.contact_id
), owned AS (
    UPDATE contact_address
       SET is_live = true
     WHERE account_id = %(account_id)s AND contact_id = ANY(%(ids)s) AND NOT is_live
), written AS (
    INSERT INTO contact_change (account_id, contact_id, change_id, before, after)
    SELECT %(account_id)s, back.id, %(change_id)s,
           '{"archived": true}'::jsonb
           || CASE WHEN staged.contact_id IS NULL THEN '{}'::jsonb
                   ELSE jsonb_build_object('status', 'leaving', 'leaving_on', staged.leaving_on)
              END,
           '{"archived": false}'::jsonb
           || CASE WHEN staged.contact_id IS NULL THEN '{}'::jsonb
                   ELSE '{"status": "marketing"}'::jsonb END
      FROM back
      LEFT JOIN staged ON staged.contact_id = back.id
)
SELECT count(*)::int
  FROM back
