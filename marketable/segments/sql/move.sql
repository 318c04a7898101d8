-- Ask some contacts again whether they are in a segment: who meets it now joins, who does not
-- leaves, and both are counted. `asked` (contact_id) are the contacts, `meets` the condition on a
-- contact `c`. Answers how many joined and how many left.
WITH asked AS MATERIALIZED (
    {{asked}}
), meets AS MATERIALIZED (
    SELECT c.id
      FROM asked
      JOIN contact AS c ON c.account_id = %(account_id)s AND c.id = asked.contact_id
     WHERE c.archived_at IS NULL AND ({{meets}})
), gone AS (
    DELETE FROM segment_member AS member
     USING asked
     WHERE member.account_id = %(account_id)s AND member.segment_id = %(segment_id)s
       AND member.contact_id = asked.contact_id
       AND NOT EXISTS (SELECT FROM meets WHERE meets.id = asked.contact_id)
    RETURNING member.contact_id, member.since
), past AS (
    INSERT INTO segment_past_member (account_id, segment_id, contact_id, joined_at, left_at)
    SELECT %(account_id)s, %(segment_id)s, contact_id, since, %(now)s FROM gone
), joined AS (
    INSERT INTO segment_member (account_id, segment_id, contact_id, since)
    SELECT %(account_id)s, %(segment_id)s, id, %(now)s FROM meets
    ON CONFLICT DO NOTHING
    RETURNING contact_id
), counts AS (
    SELECT (SELECT count(*) FROM joined) AS came, (SELECT count(*) FROM gone) AS went
), counted AS (
    UPDATE segment
       SET member_count = member_count + came - went
      FROM counts
     WHERE account_id = %(account_id)s AND id = %(segment_id)s AND came + went > 0
    RETURNING member_count
), told AS (
    INSERT INTO segment_day AS known (account_id, segment_id, day, member_count, joined, "left")
    SELECT %(account_id)s, %(segment_id)s, %(sel_today)s, counted.member_count, came, went
      FROM counts, counted
    ON CONFLICT (account_id, segment_id, day) DO UPDATE
       SET member_count = excluded.member_count,
           joined = known.joined + excluded.joined, "left" = known."left" + excluded."left"
){{turning}}
SELECT came, went FROM counts
