-- Take the chosen contacts out of a fixed segment. Answers how many left.
WITH gone AS (
    DELETE FROM segment_member AS member
     WHERE member.account_id = %(account_id)s AND member.segment_id = %(segment_id)s
       AND member.contact_id IN ({{chosen}})
    RETURNING contact_id, since
), past AS (
    INSERT INTO segment_past_member (account_id, segment_id, contact_id, joined_at, left_at)
    SELECT %(account_id)s, %(segment_id)s, contact_id, since, %(now)s FROM gone
), written AS (
    INSERT INTO contact_change (account_id, contact_id, change_id, before, after)
    SELECT %(account_id)s, contact_id, %(change_id)s,
           jsonb_build_object(%(key)s::text, true), jsonb_build_object(%(key)s::text, false)
      FROM gone
), counts AS (
    SELECT count(*)::int AS went FROM gone
), counted AS (
    UPDATE segment SET member_count = member_count - went
      FROM counts
     WHERE account_id = %(account_id)s AND id = %(segment_id)s AND went > 0
    RETURNING member_count
), told AS (
    INSERT INTO segment_day AS known (account_id, segment_id, day, member_count, joined, "left")
    SELECT %(account_id)s, %(segment_id)s, %(today)s, counted.member_count, 0, went
      FROM counts, counted
    ON CONFLICT (account_id, segment_id, day) DO UPDATE
       SET member_count = excluded.member_count, "left" = known."left" + excluded."left"
)
SELECT went FROM counts
