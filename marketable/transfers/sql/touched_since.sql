-- A condition on a ledger row `altered` of an import: somebody else altered the contact since.
-- That its date came, or that its place moved, is nobody's doing.
EXISTS (SELECT
          FROM contact_change AS later
          JOIN change AS cause
            ON cause.account_id = later.account_id AND cause.id = later.change_id
         WHERE later.account_id = altered.account_id
           AND later.contact_id = altered.contact_id
           AND later.change_id > altered.change_id
           AND cause.kind NOT IN ('update_date', 'place_moved')
           AND (cause.source_type, cause.source_id)
               NOT IN (('IMPORT', %(sel_import)s), ('UNDO', 'import:' || %(sel_import)s)))
