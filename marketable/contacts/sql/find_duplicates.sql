-- Find the pairs of an account's contacts that may be one person. What more than `most` contacts
-- share, such as a switchboard's number, tells nothing. Pairs that a person dismissed stay so.
WITH keys AS (
    {{keys}}
), alike AS (
    SELECT reason, array_agg(DISTINCT id) AS ids
      FROM keys
     GROUP BY reason, key
    HAVING count(*) > 1 AND count(*) <= %(most)s
), pairs AS (
    SELECT one.id AS first_id, two.id AS second_id, min(reason) AS reason
      FROM alike, unnest(ids) AS one (id), unnest(ids) AS two (id)
     WHERE one.id < two.id
     GROUP BY one.id, two.id
     ORDER BY two.id DESC, one.id DESC
     LIMIT %(limit)s
), gone AS (
    DELETE FROM duplicate_pair AS pair
     WHERE pair.account_id = %(account_id)s AND pair.dismissed_at IS NULL
       AND NOT EXISTS (SELECT FROM pairs WHERE pairs.first_id = pair.first_id
                                           AND pairs.second_id = pair.second_id)
), written AS (
    INSERT INTO duplicate_pair (account_id, first_id, second_id, reason, found_at, dismissed_by)
    SELECT %(account_id)s, first_id, second_id, reason, %(now)s, '' FROM pairs
        ON CONFLICT DO NOTHING
)
SELECT count(*) FROM pairs
