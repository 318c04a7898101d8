-- Freeze the members of a bulk action: those it will change, then those it cannot, with the
-- reason, in rows of {{batch_size}} numbers. Answers (verdict, count) of everybody judged. Half a
-- million are sorted by a number instead of the reason's name, which takes a quarter less.
WITH judged AS MATERIALIZED (
    {{judged}}
), numbered AS (
    SELECT id, outcome,
           (row_number() OVER (PARTITION BY kind ORDER BY id) - 1) / {{batch_size}} AS part
      FROM (SELECT id,
                   CASE WHEN verdict IN ('set', 'kept', 'staged') THEN '' ELSE verdict END
                       AS outcome,
                   CASE WHEN verdict IN ('set', 'kept', 'staged') THEN 0
                        ELSE hashtext(verdict) END AS kind
              FROM judged
             WHERE verdict <> 'already') AS told
), frozen AS (
    INSERT INTO bulk_action_batch
           (account_id, bulk_action_id, number, contact_ids, outcome, done_at)
    SELECT %(account_id)s, %(bulk_action_id)s,
           row_number() OVER (ORDER BY outcome, part),
           array_agg(id), outcome,
           CASE WHEN outcome <> '' THEN %(now)s::timestamptz END
      FROM numbered
     GROUP BY outcome, part
)
SELECT verdict, count(*) FROM judged GROUP BY verdict
