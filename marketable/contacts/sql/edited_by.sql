-- What a bulk action did to a property of a contact `c`, as `edited`, for putting it back.
  JOIN contact_change AS edited
    ON edited.account_id = c.account_id
   AND edited.contact_id = c.id
   AND edited.change_id IN (SELECT id
                              FROM change
                             WHERE account_id = %(account_id)s
                               AND bulk_action_id = %(sel_edited_by)s)
