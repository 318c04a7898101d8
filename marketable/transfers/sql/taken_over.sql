-- How many held places the starts of an import would take over (S11): those of archived contacts
-- with an address of a contact that would be set. `of_created` and `of_present` say whose starts.
SELECT count(DISTINCT old_id)
  FROM (SELECT DISTINCT ON (row.line) held.contact_id AS old_id
          FROM marketing_contact AS held
          JOIN contact AS gone
            ON gone.account_id = held.account_id AND gone.id = held.contact_id
           AND gone.archived_at IS NOT NULL
          JOIN contact_address AS old
            ON old.account_id = held.account_id AND old.contact_id = held.contact_id
           AND NOT old.is_live
          LEFT JOIN contact_address AS fresh
            ON fresh.account_id = held.account_id AND fresh.address = old.address AND fresh.is_live
          LEFT JOIN contact_address AS every
            ON every.account_id = fresh.account_id AND every.contact_id = fresh.contact_id
           AND every.is_live
          JOIN import_row AS row
            ON row.account_id = held.account_id AND row.import_id = %(import_id)s
           AND row.email = coalesce(every.address, old.address)
          LEFT JOIN marketing_contact AS present
            ON present.account_id = fresh.account_id AND present.contact_id = fresh.contact_id
           AND (present.leaving_on IS NULL OR present.leaving_on > %(today)s)
          LEFT JOIN contact AS target
            ON target.account_id = fresh.account_id AND target.id = fresh.contact_id
         WHERE held.account_id = %(account_id)s
           AND held.leaving_on > %(today)s
           AND present.contact_id IS NULL
           AND (%(include_unreachable)s
                OR (target.properties ? 'hs_email_hard_bounce_reason_enum') IS NOT TRUE)
           AND CASE WHEN fresh.contact_id IS NULL THEN %(of_created)s ELSE %(of_present)s END
         ORDER BY row.line, held.contact_id) AS pairs
