-- Part of `move.sql`: note for the asked contacts the next day on which time alone could move them in
-- or out of the segment.
, coming AS MATERIALIZED (
    SELECT c.id, {{next_turn}} AS due_on
      FROM asked
      JOIN contact AS c ON c.account_id = %(account_id)s AND c.id = asked.contact_id
     WHERE c.archived_at IS NULL
), not_due AS (
    DELETE FROM segment_due AS due
     USING asked
     WHERE due.account_id = %(account_id)s AND due.segment_id = %(segment_id)s
       AND due.contact_id = asked.contact_id
       AND NOT EXISTS (SELECT FROM coming
                        WHERE coming.id = asked.contact_id AND coming.due_on IS NOT NULL)
), due AS (
    INSERT INTO segment_due (account_id, segment_id, contact_id, due_on)
    SELECT %(account_id)s, %(segment_id)s, id, due_on FROM coming WHERE due_on IS NOT NULL
    ON CONFLICT (account_id, segment_id, contact_id) DO UPDATE SET due_on = excluded.due_on
)
