-- A condition on a ledger row `altered` of an import: it set the contact as marketing, and that is
-- still its last status. One whose staging was withdrawn had been staged for a date that still
-- lies ahead (S16).
altered.after->>'status' = 'marketing'
AND (altered.before->>'status' = 'non_marketing'
     OR (altered.before->>'leaving_on')::date > %(sel_today)s)
AND NOT EXISTS (SELECT
                  FROM contact_change AS later
                 WHERE later.account_id = altered.account_id
                   AND later.contact_id = altered.contact_id
                   AND later.change_id > altered.change_id
                   AND later.after ? 'status')
