-- Put the chosen live contacts into a fixed segment. Those in it already stay as they are. Answers
-- how many joined.
WITH joined AS (
    INSERT INTO segment_member (account_id, segment_id, contact_id, since)
    SELECT %(account_id)s, %(segment_id)s, c.id, %(now)s
      FROM contact AS c
     WHERE c.account_id = %(account_id)s AND c.archived_at IS NULL
       AND c.id IN ({{chosen}})
     ORDER BY c.id
    ON CONFLICT DO NOTHING
    RETURNING contact_id
), written AS (
    INSERT INTO contact_change (account_id, contact_id, change_id, before, after)
    SELECT %(account_id)s, contact_id, %(change_id)s,
           jsonb_build_object(%(key)s::text, false), jsonb_build_object(%(key)s::text, true)
      FROM joined
), counts AS (
    SELECT count(*)::int AS came FROM joined
), counted AS (
    UPDATE segment SET member_count = member_count + came
      FROM counts
     WHERE account_id = %(account_id)s AND id = %(segment_id)s AND came > 0
    RETURNING member_count
), told AS (
    INSERT INTO segment_day AS known (account_id, segment_id, day, member_count, joined, "left")
    SELECT %(account_id)s, %(segment_id)s, %(today)s, counted.member_count, came, 0
      FROM counts, counted
    ON CONFLICT (account_id, segment_id, day) DO UPDATE
       SET member_count = excluded.member_count, joined = known.joined + excluded.joined
)
SELECT came FROM counts
