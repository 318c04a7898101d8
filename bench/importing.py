"""A CSV of 12 columns, half of whose rows exist, against COPY into a staging table and one upsert
that writes the same rows: contacts, addresses, search words, ledger.

Run as `python -m bench.importing ACCOUNT FILE` it is one import in a process of its own, whose
memory is measured: it prints how long it took, and the most memory that it held.
"""

import csv
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from bench.figures import Figure, compared, peak_mib, say, seconds_of

if TYPE_CHECKING:  # tables can be imported only when Django is set up
    from bench.account import BenchAccount
    from bench.server import Server

GOAL = 2.5
ROUNDS = 2
#: Columns of the file; all but the address are stored under the same names.
COLUMNS = (
    "email",
    "firstname",
    "lastname",
    "phone",
    "company",
    "jobtitle",
    "city",
    "country",
    "zip",
    "industry",
    "lifecyclestage",
    "website",
)
VALUES = COLUMNS[1:]

STAGE = f"CREATE TEMPORARY TABLE staged ({', '.join(f'{name} text' for name in COLUMNS)})"
CHANGE = """
INSERT INTO change (account_id, at, kind, actor_type, actor_id, actor_label, source_type,
                    source_id, source_label, body, contact_count, marketing_delta, reason)
VALUES (%(account_id)s, %(now)s, %(kind)s, 'user', '1', '', 'IMPORT', '', '', '{}', 0, 0, '')
RETURNING id
"""
#: The words of a name, an address, a number and a firm, folded as far as SQL does it by itself.
WORDS = r"""
array_to_tsvector(ARRAY(
    SELECT DISTINCT %(lead)s || word
      FROM unnest(regexp_split_to_array(lower(concat_ws(' ', firstname, lastname, company,
                                                        replace(email, '@', ' '))), '[^\w-]+')
                  || ARRAY[email, '@' || split_part(email, '@', 2)]
                  || regexp_replace(phone, '\D', '', 'g')) AS word
     WHERE word <> ''))
"""
GIVEN = ", ".join(f"'{name}', {name}" for name in VALUES)
UPSERT = f"""
WITH given AS MATERIALIZED (
    SELECT staged.*, owner.contact_id,
           jsonb_strip_nulls(jsonb_build_object({GIVEN})) AS properties
      FROM staged
      LEFT JOIN contact_address AS owner
        ON owner.account_id = %(account_id)s AND owner.address = staged.email AND owner.is_live
), fresh AS MATERIALIZED (
    SELECT nextval('contact_id_seq') AS id, * FROM given WHERE contact_id IS NULL
), made AS (
    INSERT INTO contact (account_id, id, email, name_key, properties, version, created_at,
                         updated_at)
    SELECT %(account_id)s, id, email, lower(concat_ws(' ', lastname, firstname)), properties, 1,
           %(now)s, %(now)s
      FROM fresh
), owned AS (
    INSERT INTO contact_address (account_id, address, contact_id, is_primary, is_live)
    SELECT %(account_id)s, email, id, true, true FROM fresh
), findable AS (
    INSERT INTO contact_search (account_id, contact_id, words)
    SELECT %(account_id)s, id, {WORDS} FROM fresh
), told_made AS (
    INSERT INTO contact_change (account_id, contact_id, change_id, before, after)
    SELECT %(account_id)s, id, %(created)s, '{{}}',
           jsonb_build_object('properties', properties || jsonb_build_object('email', email))
      FROM fresh
), altered AS (
    UPDATE contact
       SET properties = contact.properties || given.properties, version = version + 1,
           updated_at = %(now)s
      FROM given
     WHERE contact.account_id = %(account_id)s AND contact.id = given.contact_id
), told_altered AS (
    INSERT INTO contact_change (account_id, contact_id, change_id, before, after)
    SELECT %(account_id)s, contact.id, %(changed)s,
           jsonb_build_object('properties', changes.before),
           jsonb_build_object('properties', changes.after)
      FROM given
      JOIN contact ON contact.account_id = %(account_id)s AND contact.id = given.contact_id
     CROSS JOIN LATERAL (
           SELECT jsonb_object_agg(key, contact.properties->key) AS before,
                  jsonb_object_agg(key, value) AS after
             FROM jsonb_each(given.properties)
            WHERE contact.properties->key IS DISTINCT FROM value) AS changes
)
SELECT (SELECT count(*) FROM fresh), (SELECT count(*) FROM given WHERE contact_id IS NOT NULL)
"""


def write_file(path: Path, account_id: int, n: int) -> None:
    """Write n rows: every second contact of the account moves to another town and job, and as
    many people are new; in no order."""
    from marketable.demo.people import people

    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(COLUMNS)
        new = _new_people(people(20_000, seed=5), n - n // 2)
        present = _present(account_id, n // 2)
        chance = random.Random(3)  # noqa: S311 - believable, not secret
        while True:
            rows = [*islice(new, 500), *islice(present, 500)]
            if not rows:
                return
            chance.shuffle(rows)
            out.writerows(rows)


def _new_people(
    persons: Iterator[tuple[str | None, dict[str, object]]], n: int
) -> Iterator[list[object]]:
    base = [(email, values) for email, values in persons if email is not None]
    for number in range(n):
        email, values = base[number % len(base)]
        local, _, domain = str(email).rpartition("@")
        row = [f"{local}.{number}@new.{domain}", *(values.get(name, "") for name in VALUES)]
        row[1 + VALUES.index("zip")] = f"{number % 90 + 10}-{number % 899 + 100}"
        yield row


def _present(account_id: int, n: int) -> Iterator[list[object]]:
    from django.db import connection, transaction

    with (
        transaction.atomic(),
        connection.chunked_cursor() as cursor,
    ):
        cursor.execute(
            f"SELECT email, {', '.join(f'properties->>{name!r}' for name in VALUES)} FROM contact "
            "WHERE account_id = %s AND email IS NOT NULL AND id %% 2 = 0 ORDER BY id LIMIT %s",
            [account_id, n],
        )
        for number, found in enumerate(cursor):
            row = list(found)
            row[1 + VALUES.index("jobtitle")] = f"Buyer, region {number % 40}"
            row[1 + VALUES.index("city")] = ("Radom", "Opole", "Elbląg")[number % 3]
            yield row


def figures(server: "Server", account: "BenchAccount", template: str) -> Iterator[Figure]:
    products: list[float] = []
    floors: list[float] = []
    peaks: list[float] = []
    with tempfile.TemporaryDirectory(prefix="marketable-bench-file-") as folder:
        path = Path(folder) / "people.csv"
        write_file(path, account.id, account.n)
        size = path.stat().st_size
        say(f"  a file of {size / 1e6:.0f} MB")
        for turn in range(ROUNDS):
            for side in ("product", "floor") if turn % 2 else ("floor", "product"):
                with server.copy_of(template) as name:
                    if side == "product":
                        seconds, peak = _by_the_product(server.url(name), account.id, path)
                        products.append(seconds)
                        peaks.append(peak)
                    else:
                        floors.append(_by_bare_sql(account, path))
                    rows = _written(account.id)
                say(f"  {side}: {(products if side == 'product' else floors)[-1]:.2f} s, {rows}")
    yield compared(
        "import",
        account.n,
        products,
        floors,
        floor_is="COPY into a staging table and one upsert that writes the same rows",
        goal=GOAL,
        peak_mib=max(peaks),
    )


def _written(account_id: int) -> dict[str, int]:
    """Return how many rows there are, for the comparison of both sides."""
    from marketable import sql

    tables = ("contact", "contact_address", "contact_search", "contact_change")
    counts = sql.rows(
        " UNION ALL ".join(
            f"SELECT '{table}', count(*) FROM {table} WHERE account_id = %(account_id)s"
            for table in tables
        ),
        {"account_id": account_id},
    )
    return {str(table): int(n) for table, n in counts}


def _by_the_product(url: str, account_id: int, path: Path) -> tuple[float, float]:
    """Import in a process of its own; return (seconds, MiB)."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.importing", str(account_id), str(path)],
        env={**os.environ, "DATABASE_URL": url},
        check=True,
        stdout=subprocess.PIPE,
    )
    answer = json.loads(done.stdout)
    return float(answer["seconds"]), float(answer["peak_mib"])


def _by_bare_sql(account: "BenchAccount", path: Path) -> float:
    from django.db import connection, transaction

    from marketable import sql

    params = {"account_id": account.id, "now": account.now, "lead": f"{account.id}:"}

    def work() -> None:
        with transaction.atomic():
            sql.execute(STAGE)
            with (
                path.open("rb") as file,
                connection.cursor() as cursor,
                cursor.copy("COPY staged FROM STDIN WITH (FORMAT csv, HEADER true)") as copy,
            ):
                while block := file.read(256 * 1024):
                    copy.write(block)
            sql.execute("ANALYZE staged")
            changes = {
                name: sql.rows(CHANGE, {**params, "kind": f"contact_{name}"})[0][0]
                for name in ("created", "changed")
            }
            sql.rows(UPSERT, {**params, **changes})

    return seconds_of(work)


def import_file(account_id: int, path: Path, now: datetime) -> dict[str, int]:
    """Import a file as a command does: keep, map, check, run to the end."""
    from marketable.history.sources import SourceType, system
    from marketable.transfers import queries, services

    by = system(SourceType.IMPORT)
    with path.open("rb") as file:
        draft = services.keep_file(account_id, file, path.name, by=by, now=now)
    services.ask_for_check(account_id, draft.id)
    services.check(account_id, draft.id, now=now)
    services.start(account_id, draft.id, expected=0, by=by, now=now)
    while services.run_next_batch(account_id, draft.id, now=now):
        pass
    return dict(queries.import_run(account_id, draft.id).outcomes)


def main() -> None:
    import django

    django.setup()
    from marketable import clock

    account_id, path = int(sys.argv[1]), Path(sys.argv[2])
    began = perf_counter()
    outcomes = import_file(account_id, path, clock.now())
    seconds = perf_counter() - began
    json.dump({"seconds": seconds, "peak_mib": peak_mib(), "outcomes": outcomes}, sys.stdout)


if __name__ == "__main__":
    main()
