-- The rows of a batch, each with the live contact that has its address, if any, and what that
-- contact's values would be: what is missing is filled, then overwritten, and a lifecycle stage is
-- never set backwards. `fresh` are the values of a contact that would be made, `given` those that
-- may change one.
SELECT row.line, row.email, row.name_key, row.words, contact.id AS contact_id,
       contact.email AS primary_email, contact.properties AS old,
       coalesce(row.if_empty, '{}') || coalesce(row.always, '{}') AS given,
       coalesce(row.only_new, '{}') || coalesce(row.if_empty, '{}') || coalesce(row.always, '{}')
           AS fresh,
       coalesce(row.if_empty, '{}') || contact.properties
           || CASE WHEN array_position(%(stages)s::text[], row.always->>'lifecyclestage')
                        < array_position(%(stages)s::text[], contact.properties->>'lifecyclestage')
                   THEN row.always - 'lifecyclestage'
                   ELSE coalesce(row.always, '{}') END AS wanted
  FROM import_row AS row
  LEFT JOIN contact_address AS owner
    ON owner.account_id = row.account_id AND owner.address = row.email AND owner.is_live
  LEFT JOIN contact
    ON contact.account_id = owner.account_id AND contact.id = owner.contact_id
 WHERE row.account_id = %(account_id)s AND row.import_id = %(import_id)s
   AND row.line > %(after)s AND row.line <= %(upto)s
