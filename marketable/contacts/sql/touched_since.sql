-- Whether somebody touched {{what}} of a contact `c` after the change `edited`. What was done since
-- and taken back since is as if it had not been: an undo stands in the ledger with the number of
-- what it undoes, of a bulk action or, where there is none, of a change.
EXISTS (SELECT
          FROM contact_change AS later
          JOIN change AS told
            ON told.account_id = later.account_id AND told.id = later.change_id
         WHERE later.account_id = c.account_id
           AND later.contact_id = c.id
           AND later.change_id > edited.change_id
           AND later.{{what}}
           AND NOT EXISTS (SELECT
                             FROM contact_change AS other
                             JOIN change AS beside
                               ON beside.account_id = other.account_id
                              AND beside.id = other.change_id
                            WHERE other.account_id = c.account_id
                              AND other.contact_id = c.id
                              AND other.change_id > edited.change_id
                              AND other.{{what}}
                              AND ((beside.id > told.id AND beside.source_type = 'UNDO'
                                    AND beside.source_id
                                        = (CASE WHEN beside.bulk_action_id IS NULL THEN told.id
                                                ELSE told.bulk_action_id END)::text)
                                   OR (told.id > beside.id AND told.source_type = 'UNDO'
                                       AND told.source_id
                                           = (CASE WHEN told.bulk_action_id IS NULL THEN beside.id
                                                   ELSE beside.bulk_action_id END)::text))))
