"""Where the value of a property is read from, as SQL on the contact `c`: the stored ones from the
contact's JSON, the derived ones from columns and other tables."""

from collections.abc import Mapping
from dataclasses import dataclass

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
    several texts in a JSON array
    is_stored  among the contact's JSON values
    """

    definition: PropertyDef
    text: str
    number: str = ""
    moment: str = ""
    several: str = ""
    key: str = ""
    is_stored: bool = False

    @property
    def test_of_unknown(self) -> str:
        return f"{self.key or self.text} IS NULL"


#: The status row, if it counts on `sel_today`.
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
    "hs_marketable_status": f"CASE WHEN EXISTS (SELECT {COUNTING}) THEN 'true' ELSE 'false' END",
    "hs_marketable_until_renewal": (
        f"CASE WHEN EXISTS (SELECT {COUNTING} AND sel_m.leaving_on IS NOT NULL) "
        "THEN 'true' ELSE 'false' END"
    ),
    "hs_marketable_reason_type": (
        f"(SELECT {REASON_CASE.format(source='sel_m.source_type')} {COUNTING})"
    ),
    "hs_marketable_reason_id": f"(SELECT nullif(sel_m.source_id, '') {COUNTING})",
    "marketable_leaving_on": f"(SELECT sel_m.leaving_on::text {COUNTING})",
}
MOMENTS: Mapping[str, str] = {
    "createdate": "c.created_at",
    "hs_createdate": "c.created_at",
    "lastmodifieddate": "c.updated_at",
    "hs_lastmodifieddate": "c.updated_at",
    "marketable_since": f"(SELECT sel_m.since {COUNTING})",
}
#: What created the contact is told by a condition of its own.
ELSEWHERE: Mapping[str, str] = {
    "hs_object_source": "created_by",
    "hs_object_source_id": "created_by",
    "hs_object_source_label": "created_by",
    "hs_object_source_detail_1": "created_by",
    "hs_object_source_user_id": "created_by",
}


def field_of(definition: PropertyDef, name_mark: str, *, is_indexed: bool = False) -> Field | None:
    """Return how a property is read; None for one that has a condition of its own instead.

    name_mark   the mark of the statement's parameter that holds the property's name
    is_indexed  by the very expression that its index holds, which costs more without the index
    """
    name = definition.name
    if name in ELSEWHERE:
        return None
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
