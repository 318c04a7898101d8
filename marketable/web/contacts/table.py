"""What the contacts table is showing: read from the address, and written back into links."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.http import QueryDict

from marketable.marketing_status.rules import Status
from marketable.segments import kept_filters
from marketable.segments.errors import FilterRefused, KeptFilterGone
from marketable.segments.rules import BadFilter, Filter, as_json, compact, from_json
from marketable.segments.rules import read as read_filter
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
#: How wide a column can be made, in pixels.
NARROWEST, WIDEST = 60, 800
#: The view of all contacts, where a person's own choice opens otherwise.
ALL = "all"


@dataclass(frozen=True, slots=True)
class Table:
    """The whole state of the table; every part of it stands in the address.

    filter    as compact JSON; what cannot be read stays as it came, to be shown and mended
    sort      a sortable column, empty for newest first; `is_descending` turns it round
    after, before  the key of the row next to the page's edge, empty on the first page
    columns   in order, without the name
    widths    (column, pixels) of those that were made wider or narrower, the name included
    view      the saved view that is open: its number, or ALL
    saved     what that view keeps; the address names only what differs from it
    """

    search: str = ""
    status: Status | None = None
    is_archived: bool = False
    bulk_action_id: int | None = None
    import_id: int | None = None
    segment_id: int | None = None
    filter: str = ""
    sort: str = ""
    is_descending: bool = False
    after: str = ""
    before: str = ""
    size: int = SIZES[0]
    columns: tuple[str, ...] = ()
    widths: tuple[tuple[str, int], ...] = ()
    view: str = ""
    saved: tuple[tuple[str, str], ...] = ()

    @property
    def selection(self) -> Selection:
        """Return all that match, whatever the page.

        Raises FilterRefused for a filter that cannot be read.
        """
        return Selection(
            search=self.search,
            status=self.status,
            filter=filter_of(self.filter),
            archived=self.is_archived,
            bulk_action_id=self.bulk_action_id,
            import_id=self.import_id,
            segment_id=self.segment_id,
        )

    @property
    def is_filtered(self) -> bool:
        return bool(self.filters())

    def filters(self) -> list[tuple[str, str]]:
        """Return what decides who matches, as address parameters: a selection ends when these
        change, and survives everything else (B2)."""
        return [(name, text) for name, text in self._filter_parts() if text]

    def _filter_parts(self) -> list[tuple[str, str]]:
        return [
            ("q", self.search),
            ("status", "archived" if self.is_archived else str(self.status or "")),
            ("segment", str(self.segment_id or "")),
            ("filter", self.filter),
            ("job", str(self.bulk_action_id or "")),
            ("import", str(self.import_id or "")),
        ]

    def _kept_parts(self) -> list[tuple[str, str]]:
        return [
            *self._filter_parts(),
            ("sort", f"-{self.sort}" if self.is_descending else self.sort),
            ("columns", self.arrangement),
            ("size", "" if self.size == SIZES[0] else str(self.size)),
        ]

    @property
    def arrangement(self) -> str:
        """Return the columns, their order and widths as one text: `name:260,email,city:120`."""
        widths = dict(self.widths)
        names = ("name", *self.columns) if "name" in widths else self.columns
        return ",".join(f"{one}:{widths[one]}" if one in widths else one for one in names)

    def kept(self) -> dict[str, str]:
        """Return what a saved view keeps of this table, without what is as by default."""
        return {name: text for name, text in self._kept_parts() if text}

    def parameters(self) -> list[tuple[str, str]]:
        """Return the whole state as address parameters: the view, and what differs from it; an
        empty text where the view has something and the table has not."""
        saved = dict(self.saved)
        differing = [
            (name, text) for name, text in self._kept_parts() if text != saved.get(name, "")
        ]
        place = [("view", self.view), ("after", self.after), ("before", self.before)]
        return [
            *(one for one in place[:1] if one[1]),
            *differing,
            *(one for one in place[1:] if one[1]),
        ]

    def without_view(self) -> "Table":
        """Return the table with its whole state in the address, for who cannot see the view."""
        return replace(self, view="", saved=(), after="", before="")

    def address(self) -> str:
        """Return the query part of the address, with its question mark, or `?` for none."""
        return "?" + urlencode(self.address_parameters())

    def address_parameters(self) -> list[tuple[str, str]]:
        """Return the parameters as an address can bear them: a long filter by its key."""
        return [
            (name, kept_filters.in_address(text) if name == "filter" else text)
            for name, text in self.parameters()
        ]

    def sorted_by(self, column: str) -> "Table":
        """Return the table after a click on a header: up, then down, then as it was."""
        first_page = replace(self, after="", before="")
        if self.sort != column:
            return replace(first_page, sort=column, is_descending=False)
        if not self.is_descending:
            return replace(first_page, is_descending=True)
        return replace(first_page, sort="", is_descending=False)

    def unfiltered(self) -> "Table":
        return replace(
            self.first_page(),
            search="",
            status=None,
            is_archived=False,
            bulk_action_id=None,
            import_id=None,
            segment_id=None,
            filter="",
        )

    def first_page(self) -> "Table":
        return replace(self, after="", before="")


def read(
    query: Mapping[str, str], *, view: str = "", saved: Mapping[str, str] | None = None
) -> Table:
    """Return the table that an address asks for; what cannot be understood is left out, so that
    an old link still opens.

    view, saved  the saved view that is open and what it keeps, where the address says nothing
    """
    if saved:
        query = {**saved, **{name: query[name] for name in query}}
    status = query.get("status", "")
    sort = query.get("sort", "")
    size = query.get("size", "")
    names, widths = arranged(query.get("columns", ""))
    return Table(
        search=plain(query.get("q", ""))[:LONGEST_SEARCH],
        status=Status(status) if status in set(Status) else None,
        is_archived=status == "archived",
        bulk_action_id=number_of(query.get("job", "")),
        import_id=number_of(query.get("import", "")),
        segment_id=number_of(query.get("segment", "")),
        filter=tidy_filter(query.get("filter", "")),
        sort=sort.removeprefix("-"),
        is_descending=sort.startswith("-"),
        after=plain(query.get("after", "")),
        before=plain(query.get("before", "")),
        size=int(size) if size in {str(one) for one in SIZES} else SIZES[0],
        columns=names,
        widths=widths,
        view=view,
        saved=tuple((saved or {}).items()),
    )


def arranged(text: str) -> tuple[tuple[str, ...], tuple[tuple[str, int], ...]]:
    """Return the columns that an arrangement names, without the name, and the widths it gives.

    >>> arranged("name:260,email,city:120,email,phone:x")
    (('email', 'city', 'phone'), (('name', 260), ('city', 120)))
    """
    widths: dict[str, int] = {}
    names: dict[str, None] = {}
    for part in plain(text).split(","):
        name, _colon, width = part.partition(":")
        if not name or name in names:
            continue
        names[name] = None
        pixels = number_of(width)
        if pixels is not None:
            widths[name] = min(max(pixels, NARROWEST), WIDEST)
    names.pop("name", None)
    return tuple(names), tuple(widths.items())


def plain(text: str) -> str:
    """Return the text as PostgreSQL can take it."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode("utf-8").strip()


def number_of(text: str) -> int | None:
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
        segment_id=chosen.segment_id,
        filter=compact(chosen.filter) if chosen.filter is not None else "",
    )


def filter_of(text: str) -> Filter | None:
    """Return the filter that a text holds, None for no text.

    Raises FilterRefused, naming the place in it.
    """
    if not text:
        return None
    if kept_filters.is_key(text):
        raise KeptFilterGone
    try:
        return read_filter(text)
    except BadFilter as problem:
        raise FilterRefused.because(problem) from problem


def as_one_filter(table: Table) -> str:
    """Return all that narrows a table as one filter's text; nothing where it has no filter, or is
    narrowed by what no filter says."""
    try:
        wanted = filter_of(table.filter)
    except FilterRefused:
        return ""
    is_more = table.search or table.is_archived or table.bulk_action_id or table.import_id
    if wanted is None or is_more:
        return ""
    parts = [as_json(wanted)]
    if table.status is not None:
        parts.append({"marketing_status": table.status.value})
    if table.segment_id is not None:
        parts.append({"segment": table.segment_id})
    return compact(wanted if len(parts) == 1 else from_json({"and": parts}))


def tidy_filter(text: str) -> str:
    """Return a filter's text as short as can be, nothing for one that everybody meets; what cannot
    be read as it is.

    >>> tidy_filter('{"and": [{"counts": true}]}'), tidy_filter('{"and": []}'), tidy_filter("{")
    ('{"and":[{"counts":true}]}', '', '{')
    """
    text = plain(text)
    try:
        wanted = filter_of(text)
    except FilterRefused:
        return text
    if wanted is None or (wanted.joined_by == "and" and not wanted.parts):
        return ""
    return compact(wanted)


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
    found = (number_of(text.strip()) for text in texts)
    return tuple(dict.fromkeys(number for number in found if number is not None))
