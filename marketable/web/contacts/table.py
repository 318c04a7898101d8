"""What the contacts table is showing: read from the address, and written back into links."""

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.http import QueryDict

from marketable.marketing_status.rules import Status
from marketable.segments.selection import Selection

SIZES = (50, 100, 250, 1000)

#: What a table shows until a person chooses (the name is always first).
DEFAULT_COLUMNS = (
    "email",
    "status",
    "source",
    "phone",
    "company",
    "city",
    "lifecyclestage",
    "createdate",
)
LONGEST_SEARCH = 200


@dataclass(frozen=True, slots=True)
class Table:
    """The whole state of the table; every part of it stands in the address.

    sort      a sortable column, empty for newest first; `is_descending` turns it round
    after, before  the key of the row next to the page's edge, empty on the first page
    columns   in order, without the name
    """

    search: str = ""
    status: Status | None = None
    is_archived: bool = False
    bulk_action_id: int | None = None
    import_id: int | None = None
    sort: str = ""
    is_descending: bool = False
    after: str = ""
    before: str = ""
    size: int = SIZES[0]
    columns: tuple[str, ...] = ()

    @property
    def selection(self) -> Selection:
        """Return all that match, whatever the page."""
        return Selection(
            search=self.search,
            status=self.status,
            archived=self.is_archived,
            bulk_action_id=self.bulk_action_id,
            import_id=self.import_id,
        )

    @property
    def is_filtered(self) -> bool:
        return self.selection != Selection()

    def filters(self) -> list[tuple[str, str]]:
        """Return what decides who matches, as address parameters: a selection ends when these
        change, and survives everything else (B2)."""
        parts = [
            ("q", self.search),
            ("status", "archived" if self.is_archived else (self.status or "")),
            ("job", str(self.bulk_action_id or "")),
            ("import", str(self.import_id or "")),
        ]
        return [(name, str(value)) for name, value in parts if value]

    def parameters(self) -> list[tuple[str, str]]:
        """Return the whole state as address parameters, without what is as by default."""
        sort = f"-{self.sort}" if self.is_descending else self.sort
        parts = [
            *self.filters(),
            ("sort", sort),
            ("columns", ",".join(self.columns)),
            ("size", "" if self.size == SIZES[0] else str(self.size)),
            ("after", self.after),
            ("before", self.before),
        ]
        return [(name, value) for name, value in parts if value]

    def address(self) -> str:
        """Return the query part of the address, with its question mark, or `?` for none."""
        return "?" + urlencode(self.parameters())

    def sorted_by(self, column: str) -> "Table":
        """Return the table after a click on a header: up, then down, then as it was."""
        first_page = replace(self, after="", before="")
        if self.sort != column:
            return replace(first_page, sort=column, is_descending=False)
        if not self.is_descending:
            return replace(first_page, is_descending=True)
        return replace(first_page, sort="", is_descending=False)

    def unfiltered(self) -> "Table":
        return Table(
            sort=self.sort,
            is_descending=self.is_descending,
            size=self.size,
            columns=self.columns,
        )

    def first_page(self) -> "Table":
        return replace(self, after="", before="")


def read(query: QueryDict) -> Table:
    """Return the table that an address asks for; what cannot be understood is left out, so that
    an old link still opens."""
    status = query.get("status", "")
    sort = query.get("sort", "")
    size = query.get("size", "")
    return Table(
        search=plain(query.get("q", ""))[:LONGEST_SEARCH],
        status=Status(status) if status in set(Status) else None,
        is_archived=status == "archived",
        bulk_action_id=_number(query.get("job", "")),
        import_id=_number(query.get("import", "")),
        sort=sort.removeprefix("-"),
        is_descending=sort.startswith("-"),
        after=plain(query.get("after", "")),
        before=plain(query.get("before", "")),
        size=int(size) if size in {str(one) for one in SIZES} else SIZES[0],
        columns=tuple(dict.fromkeys(name for name in query.get("columns", "").split(",") if name)),
    )


def plain(text: str) -> str:
    """Return the text as PostgreSQL can take it."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode("utf-8").strip()


def _number(text: str) -> int | None:
    """Return a row's number, or None: what PostgreSQL's bigint cannot hold is nobody's."""
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        return None
    return int(text)


def of_selection(chosen: Selection) -> Table:
    """Return the table that shows what a selection was made from."""
    return Table(
        search=chosen.search,
        status=chosen.status,
        is_archived=chosen.archived,
        bulk_action_id=chosen.bulk_action_id,
        import_id=chosen.import_id,
    )


def read_selection(posted: QueryDict) -> Selection:
    """Return the ticked contacts: some by number, or all that match with exceptions (B2).

    `id` comes once for every ticked row of the page; `chosen` is a list with commas and may hold
    rows of other pages as well.
    """
    if posted.get("everyone") == "1":
        matching = read(posted).selection
        return replace(matching, except_ids=numbers(posted.get("except", "").split(",")))
    ticked = [*posted.get("chosen", "").split(","), *posted.getlist("id")]
    return Selection(ids=numbers(ticked), archived=posted.get("status") == "archived")


def selection_fields(chosen: Selection) -> list[tuple[str, str]]:
    """Return the form fields that `read_selection` makes the same selection of."""
    if chosen.ids is not None:
        place = [("status", "archived")] if chosen.archived else []
        return [("chosen", ",".join(map(str, chosen.ids))), *place]
    return [
        ("everyone", "1"),
        ("except", ",".join(map(str, chosen.except_ids))),
        *of_selection(chosen).filters(),
    ]


def numbers(texts: list[str]) -> tuple[int, ...]:
    found = (_number(text.strip()) for text in texts)
    return tuple(dict.fromkeys(number for number in found if number is not None))
