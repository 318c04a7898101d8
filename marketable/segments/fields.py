"""Where the value of a property is read from, as SQL on the contact `c`: the stored ones from the
contact's JSON, the derived ones from columns and other tables."""

from collections.abc import Mapping
from dataclasses import dataclass

from marketable.contacts.queries import ORIGIN_VALUES
from marketable.history.sources import REASON_TYPES
from marketable.properties.keys import sort_key
from marketable.properties.rules import PropertyDef, PropertyType


@dataclass(frozen=True, slots=True)
class Field:
    """A property as a filter reads it.

    text    the value as text, NULL where there is none
    number  the same as numeric, where it is a number
    moment  the same as timestamptz, where it is kept as one; else moments are ISO texts in UTC
    key     what the property's index is ordered by, where there is one that is ready
    place   where it stands, if not with the contact: the beginning of a condition that tests of it
            are the end of
    several texts in a JSON array
    is_stored  among the contact's JSON values
    is_key_whole  the key is the whole value, not its beginning
    """

    definition: PropertyDef
    text: str
    number: str = ""
    moment: str = ""
    several: str = ""
    key: str = ""
    place: str = ""
    is_stored: bool = False
    is_key_whole: bool = False

    @property
    def test_of_known(self) -> str:
        return self.placed(f"{self.key or self.text} IS NOT NULL")

    @property
    def test_of_unknown(self) -> str:
        return f"NOT ({self.test_of_known})" if self.place else f"{self.key or self.text} IS NULL"

    def placed(self, test: str) -> str:
        """Return a test of the value as a condition on the contact."""
        return f"{self.place}({test}))" if self.place else test


@dataclass(frozen=True, slots=True)
class StatusRow:
    """The status row of a contact, if it counts on `sel_today`: looked for, or joined as `m` by
    the statement, which then needs no second look. `{row}` in what is asked stands for it."""

    is_joined: bool = False

    def exists(self, test: str = "") -> str:
        if self.is_joined:
            return f"({' AND '.join(filter(None, ('m.contact_id IS NOT NULL', test)))})".format(
                row="m"
            )
        also = f" AND {test}" if test else ""
        return f"EXISTS (SELECT {COUNTING}{also})".format(row="sel_m")

    def value(self, expression: str) -> str:
        if self.is_joined:
            return f"({expression})".format(row="m")
        return f"(SELECT {expression} {COUNTING})".format(row="sel_m")


LOOKED_FOR, JOINED = StatusRow(), StatusRow(is_joined=True)
COUNTING = (
    "FROM marketing_contact AS sel_m WHERE sel_m.account_id = c.account_id "
    "AND sel_m.contact_id = c.id "
    "AND (sel_m.leaving_on IS NULL OR sel_m.leaving_on > %(sel_today)s)"
)
#: What made a contact marketing, by the API's name (H2), of the source type it takes the place of.
REASON = " ".join(f"WHEN '{ours}' THEN '{named}'" for ours, named in REASON_TYPES.items())
REASON_CASE = f"CASE {{source}} {REASON} ELSE {{source}} END"
MERGED = (
    "SELECT string_agg(sel_gone.id::text, ';' ORDER BY sel_gone.id) FROM contact AS sel_gone "
    "WHERE sel_gone.account_id = c.account_id AND sel_gone.merged_into = c.id"
)
OTHERS = (
    "SELECT string_agg(sel_other.address, ';' ORDER BY sel_other.address) "
    "FROM contact_address AS sel_other WHERE sel_other.account_id = c.account_id "
    "AND sel_other.contact_id = c.id AND NOT sel_other.is_primary"
)
DERIVED: Mapping[str, str] = {
    "email": "c.email",
    "hs_email_domain": "split_part(c.email, '@', 2)",
    "hs_object_id": "c.id::text",
    "hs_is_contact": "'true'",
    "hs_merged_object_ids": f"({MERGED})",
    "hs_all_contact_vids": f"concat_ws(';', c.id::text, ({MERGED}))",
    "hs_additional_emails": f"({OTHERS})",
}
#: Whether there is a status row that counts, with a test of it.
STATUS_TESTS: Mapping[str, str] = {
    "hs_marketable_status": "",
    "hs_marketable_until_renewal": "{row}.leaving_on IS NOT NULL",
}
#: What such a row says.
STATUS_VALUES: Mapping[str, str] = {
    "hs_marketable_reason_type": REASON_CASE.format(source="{row}.source_type"),
    "hs_marketable_reason_id": "nullif({row}.source_id, '')",
    "marketable_leaving_on": "{row}.leaving_on::text",
}
ON_STATUS = frozenset({*STATUS_TESTS, *STATUS_VALUES, "marketable_since"})
MOMENTS: Mapping[str, str] = {
    "createdate": "c.created_at",
    "hs_createdate": "c.created_at",
    "lastmodifieddate": "c.updated_at",
    "hs_lastmodifieddate": "c.updated_at",
}
#: Contacts by the ledger's lines about them.
LEDGER = (
    "c.id IN (SELECT sel_told.contact_id FROM change AS sel_change "
    "JOIN contact_change AS sel_told ON sel_told.account_id = sel_change.account_id "
    "AND sel_told.change_id = sel_change.id "
    "WHERE sel_change.account_id = %(sel_account_id)s AND "
)
CREATED = f"{LEDGER}sel_change.kind = 'contact_created' AND "


def by_address(definition: PropertyDef) -> Field:
    """Return how the address is read where the index of addresses serves the test."""
    return Field(
        definition,
        "sel_address.address",
        key="sel_address.address",
        place="c.id IN (SELECT sel_address.contact_id FROM contact_address AS sel_address "
        "WHERE sel_address.account_id = %(sel_account_id)s AND sel_address.is_primary AND ",
        is_key_whole=True,
    )


def field_of(
    definition: PropertyDef,
    name_mark: str,
    *,
    is_indexed: bool = False,
    status_row: StatusRow = LOOKED_FOR,
) -> Field:
    """Return how a property is read.

    name_mark   the mark of the statement's parameter that holds the property's name
    is_indexed  by the very expression that its index holds, which costs more without the index
    """
    name = definition.name
    if name in ORIGIN_VALUES:
        return Field(definition, ORIGIN_VALUES[name].format(change="sel_change"), place=CREATED)
    if name == "marketable_since":
        since = status_row.value("{row}.since")
        return Field(definition, f"{since}::text", moment=since)
    if name in STATUS_TESTS:
        test = status_row.exists(STATUS_TESTS[name])
        return Field(definition, f"CASE WHEN {test} THEN 'true' ELSE 'false' END")
    if name in STATUS_VALUES:
        return Field(definition, status_row.value(STATUS_VALUES[name]))
    if name in MOMENTS:
        return Field(definition, f"{MOMENTS[name]}::text", moment=MOMENTS[name])
    if name in DERIVED:
        number = "c.id" if name == "hs_object_id" else ""
        return Field(definition, DERIVED[name], number=number)
    stored = f"c.properties->>{name_mark}"
    number = f"({stored})::numeric" if definition.type is PropertyType.NUMBER else ""
    several = f"c.properties->{name_mark}" if definition.is_multiple else ""
    key = ""
    if is_indexed and not definition.is_multiple:
        key = sort_key(definition, "c.properties", name_mark)
    return Field(definition, f"({stored})", number=number, several=several, key=key, is_stored=True)
