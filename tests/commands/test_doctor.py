"""What `marketable doctor` finds, and that it only looks."""

from typing import Any

from tests.commands.shell import Shell


def checks(document: dict[str, Any]) -> dict[str, bool]:
    return {one["id"]: one["ok"] for one in document["checks"]}


def test_a_new_installation_is_well(shell: Shell) -> None:
    ran = shell("doctor", "--json")
    assert ran.status == 0, ran.out
    assert ran.json["ok"] is True
    assert set(checks(ran.json)) == {
        "python",
        "data_folder",
        "disk",
        "database",
        "settings",
        "tables",
        "worker",
        "failed_jobs",
        "segments",
        "ledger",
    }
    assert all(checks(ran.json).values())


def test_a_key_that_others_can_read_has_a_remedy(shell: Shell) -> None:
    assert shell("doctor").status == 0
    (shell.data_dir / "secret_key").chmod(0o644)
    ran = shell("doctor")
    assert ran.status == 1
    assert "BAD  data_folder" in ran.out and "chmod 600" in ran.out


def test_jobs_without_a_worker_and_failed_ones_are_told(shell: Shell) -> None:
    shell.python(
        "from marketable.queue import Job, enqueue\n"
        "enqueue(Job.APPLY_UPDATE_DATE, account_id=1)\n"
        "enqueue(Job.APPLY_UPDATE_DATE, account_id=2)\n"
        "answer = None"
    )
    shell.rows("UPDATE procrastinate_jobs SET status = 'failed' WHERE id = 1 RETURNING 1")
    found = shell("doctor", "--json").json
    assert found["ok"] is False
    assert not checks(found)["worker"] and not checks(found)["failed_jobs"]


def test_an_account_that_does_not_add_up_is_named_and_left_as_it_is(shell: Shell) -> None:
    account = shell.python("answer = make.account().id")
    shell.rows("UPDATE account_usage SET counter = 3 RETURNING 1")
    found = shell("doctor", "--json").json
    [ledger] = [one for one in found["checks"] if one["id"] == "ledger"]
    assert not ledger["ok"] and str(account) in ledger["message"]
    proof = shell("prove", "--account", account, "--json")
    assert proof.status == 1
    assert (proof.json["ok"], proof.json["counter"], proof.json["rows"]) == (False, 3, 0)


def test_tables_that_are_not_up_to_date_are_told_and_not_touched(shell: Shell) -> None:
    shell.rows("DELETE FROM django_migrations WHERE app = 'sessions' RETURNING 1")
    ran = shell("doctor", "--json")
    assert ran.status == 1
    assert checks(ran.json)["tables"] is False
    assert "worker" not in checks(ran.json), "tables that may be missing are not asked"
    assert shell.rows("SELECT count(*) FROM django_migrations WHERE app = 'sessions'") == [(0,)]


def test_changes_that_a_running_worker_does_not_read_for_segments_are_told(shell: Shell) -> None:
    shell.python(
        "from marketable.history.sources import system\n"
        "from marketable.segments.services import segments\n"
        "account = make.account()\n"
        "segments.create_fixed(account.id, 'Fair', by=system(), now=make.JAN_10)\n"
        "answer = None"
    )
    shell.rows("UPDATE change SET at = now() - interval '1 hour' RETURNING 1")
    assert checks(shell("doctor", "--json").json)["segments"]  # nobody reads, and nobody has to
    shell.rows("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now()) RETURNING 1")
    assert not checks(shell("doctor", "--json").json)["segments"]
    shell.rows("UPDATE ledger_reader SET change_id = 9999, xid = '9999999999999' RETURNING 1")
    assert checks(shell("doctor", "--json").json)["segments"]
