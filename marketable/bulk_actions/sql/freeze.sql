-- Freeze the members of a bulk action: those it will change, then those it cannot, with the
-- reason, in rows of {{batch_size}} numbers. Answers (verdict, count) of everybody judged.
WITH judged AS MATERIALIZED (
    {{judged}}
), numbered AS (
    SELECT id, verdict, verdict IN ('set', 'kept', 'staged') AS changes,
           (row_number() OVER (PARTITION BY verdict IN ('set', 'kept', 'staged'),
                                            CASE WHEN verdict IN ('set', 'kept', 'staged')
                                                 THEN '' ELSE verdict END
                               ORDER BY id) - 1) / {{batch_size}} AS part
      FROM judged
     WHERE verdict <> 'already'
), frozen AS (
    INSERT INTO bulk_action_batch
           (account_id, bulk_action_id, number, contact_ids, outcome, done_at)
    SELECT %(account_id)s, %(bulk_action_id)s,
           row_number() OVER (ORDER BY changes DESC, min(id)),
           array_agg(id ORDER BY id),
           CASE WHEN changes THEN '' ELSE min(verdict) END,
           CASE WHEN changes THEN NULL ELSE %(now)s::timestamptz END
      FROM numbered
     GROUP BY changes, CASE WHEN changes THEN '' ELSE verdict END, part
)
SELECT verdict, count(*) FROM judged GROUP BY verdict
