"""The demo account's segments: by filters and by hand, one within another, one that needs care."""

from datetime import datetime
from typing import Any

from marketable.accounts.queries import EVERYTHING
from marketable.history.sources import Source, SourceType
from marketable.properties.rules import PropertyDef, PropertyType
from marketable.properties.services import archive_property, create_property
from marketable.segments.rules import from_json
from marketable.segments.selection import Selection, compile_selection
from marketable.segments.services import segments
from marketable.sql import SubQuery

COUNTRY = {"property": "country", "operator": "is", "value": "Poland"}
CUSTOMER = {"property": "lifecyclestage", "operator": "is", "value": "customer"}
LEADS = ["lead", "marketingqualifiedlead"]
BOOTS = PropertyDef("boot_size", "Ski boot size", PropertyType.NUMBER, "number")

#: Name, what its filter asks for.
ACTIVE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("Customers in Poland", {"and": [COUNTRY, CUSTOMER]}),
    (
        "New in the last 90 days",
        {"and": [{"property": "createdate", "operator": "in_last_days", "value": 90}]},
    ),
    (
        "Leads without a phone number",
        {
            "and": [
                {"property": "lifecyclestage", "operator": "is_any_of", "value": LEADS},
                {"property": "phone", "operator": "is_unknown"},
            ]
        },
    ),
    (
        "Asked for the catalogue, not marketing",
        {
            "and": [
                {"created_by": "FORM", "source_id": "catalogue"},
                {"marketing_status": "non_marketing"},
            ]
        },
    ),
    (
        "Outdoor shops and clubs",
        {
            "or": [
                {"property": "industry", "operator": "is", "value": "Sports equipment"},
                {"property": "company", "operator": "contains", "value": "Outdoor"},
            ]
        },
    ),
)
ATTENTION = (
    "Ski boots, size 42 and larger",
    {"and": [{"property": "boot_size", "operator": "gte", "value": 42}]},
)
FIXED = ("Trade fair dinner, guests", "VIP customers")


def begin(account_id: int, *, by: Source, now: datetime) -> list[int]:
    """Make the segments that the account has had for most of the year; return their numbers."""
    return [
        segments.create_active(account_id, name, from_json(wanted), by=by, now=now, build=True).id
        for name, wanted in ACTIVE
    ]


def finish(account_id: int, *, by: Source, now: datetime) -> None:
    """Make those of the last weeks: lists by hand, one of others, one whose property is gone."""
    guests, vips = (segments.create_fixed(account_id, name, by=by, now=now).id for name in FIXED)
    fair: dict[str, Any] = {"and": [{"created_by": "IMPORT", "source_id": "fair"}, COUNTRY]}
    for segment_id, wanted, most in ((guests, fair, 64), (vips, {"and": [CUSTOMER]}, 40)):
        chosen = compile_selection(
            account_id, Selection(filter=from_json(wanted)), reach=EVERYTHING, today=now.date()
        )
        some = SubQuery(
            f"SELECT id FROM ({chosen.text}) AS c ORDER BY id LIMIT {most}", chosen.params
        )
        segments.add_members(account_id, segment_id, some, by=by, now=now)
    nested: dict[str, Any] = {"and": [CUSTOMER, COUNTRY, {"not_in_segment": vips}]}
    segments.create_active(
        account_id,
        "Customers in Poland, without the VIPs",
        from_json(nested),
        by=by,
        now=now,
        build=True,
    )
    create_property(account_id, BOOTS, by=by, now=now)
    name, wanted = ATTENTION
    boots = segments.create_active(account_id, name, from_json(wanted), by=by, now=now, build=True)
    archive_property(account_id, BOOTS.name, by=by.through(SourceType.ACCOUNT), now=now)
    segments.rebuild(account_id, boots.id, now=now)
