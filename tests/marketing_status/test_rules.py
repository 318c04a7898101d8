"""The transition table, without a database."""

from marketable.marketing_status.rules import (
    COUNTS_TOWARD_TIER,
    Event,
    Status,
    after,
    moves,
    usage_delta,
)


def test_only_the_update_date_ends_counting() -> None:  # V1, V2
    for event in set(Event) - {Event.UPDATE_DATE}:
        for before, later in moves(event).items():
            assert before not in COUNTS_TOWARD_TIER or later in COUNTS_TOWARD_TIER


def test_only_a_start_takes_a_place() -> None:  # S4
    for event in Event:
        for before, later in moves(event).items():
            assert usage_delta(before, later) <= 0 or event is Event.START


def test_a_contact_not_staged_stays_marketing_over_update_dates() -> None:  # S8
    assert after(Status.MARKETING, Event.UPDATE_DATE) is Status.MARKETING


def test_a_start_on_a_staged_contact_does_what_keep_does() -> None:  # S6
    assert after(Status.LEAVING, Event.START) is after(Status.LEAVING, Event.KEEP)
