"""What can be known of a contact: default properties, and the account's own."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from marketable.accounts.rules import Right
from marketable.errors import Refused
from marketable.history.sources import SourceType
from marketable.properties import queries, services
from marketable.properties.errors import BadDefinition, PropertyUnknown
from marketable.properties.indexing import index_property, stop_indexing
from marketable.properties.keys import can_be_indexed
from marketable.properties.labels import in_language, label_of
from marketable.properties.rules import MOST_INDEXED, Option, PropertyDef, PropertyType
from marketable.web.access import AccountRequest, account_page
from marketable.web.middleware import http_status
from marketable.web.properties.shown import groups, index_shown, type_label, type_labels
from marketable.web.wording import needs_right

LONGEST_SEARCH = 200


@require_GET
@account_page(Right.CONTACTS_VIEW)
def listing(request: AccountRequest, account_id: int) -> HttpResponse:
    """Answer the properties by group; by htmx only those that match the search."""
    definitions = list(queries.definitions(account_id, with_archived=True).values())
    search = request.GET.get("q", "")[:LONGEST_SEARCH]
    own = [one for one in definitions if not one.is_system]
    system = [one for one in definitions if one.is_system]
    return render(
        request,
        "properties/_results.html" if request.htmx else "properties/list.html",
        {
            "search": search,
            "own": groups(account_id, own, search),
            "system": groups(account_id, system, search),
            "own_count": len(own),
            "indexed_count": len(queries.indexes(account_id)),
            "most_indexed": MOST_INDEXED,
            "may_edit": request.rights.may(Right.PROPERTIES_EDIT),
            "needs": needs_right(Right.PROPERTIES_EDIT.value),
        },
    )


@require_http_methods(["GET", "POST"])
@account_page(Right.PROPERTIES_EDIT)
def new(request: AccountRequest, account_id: int) -> HttpResponse:
    if request.method == "GET":
        return _form(request, None, {})
    given = request.POST.dict()
    kind, _slash, field_type = given.get("type", "").partition("/")
    try:
        if given.get("type", "") not in dict(type_labels()):
            raise BadDefinition(_("There is no such type."), field="type")
        services.create_property(
            account_id,
            PropertyDef(
                name=given.get("name", "").strip(),
                label=given.get("label", "").strip(),
                type=PropertyType(kind),
                field_type=field_type,
                group=given.get("group", "contactinformation"),
                description=given.get("description", "")[:1000],
                options=tuple(read_options(given.get("options", ""))),
                is_unique=given.get("is_unique") == "1",
            ),
            by=request.by(SourceType.ACCOUNT),
            now=request.now,
        )
    except Refused as refusal:
        return _form(request, None, given, refusal)
    messages.success(request, _("The property is ready to use."))
    return HttpResponseRedirect(reverse("properties:list", args=[account_id]))


@require_http_methods(["GET", "POST"])
@account_page(Right.PROPERTIES_EDIT)
def edit(request: AccountRequest, account_id: int, name: str) -> HttpResponse:
    """Answer the page of a property; of a default one, what can be decided about it: its index."""
    definition = queries.definitions(account_id, with_archived=True).get(name)
    if definition is None or (definition.is_system and request.method != "GET"):
        raise PropertyUnknown(name)
    if definition.is_system:
        return _form(request, definition, {})
    if request.method == "GET":
        lines = "\n".join(
            ("-" if one.is_hidden else "")
            + (one.value if one.value == one.label else f"{one.value} = {one.label}")
            for one in definition.options
        )
        given = {
            "label": definition.label,
            "description": definition.description,
            "group": definition.group,
            "options": lines,
        }
        return _form(request, definition, given)
    given = request.POST.dict()
    try:
        services.change_property(
            account_id,
            name,
            label=given.get("label", ""),
            description=given.get("description", "")[:1000],
            group=given.get("group", definition.group),
            options=read_options(given.get("options", "")),
            by=request.by(SourceType.ACCOUNT),
            now=request.now,
        )
    except Refused as refusal:
        return _form(request, definition, given, refusal)
    messages.success(request, _("Saved."))
    return HttpResponseRedirect(reverse("properties:list", args=[account_id]))


@require_POST
@account_page(Right.PROPERTIES_EDIT)
def archive(request: AccountRequest, account_id: int, name: str) -> HttpResponse:
    """Take a property out of use, or bring it back."""
    service = (
        services.restore_property
        if request.POST.get("restore") == "1"
        else services.archive_property
    )
    service(account_id, name, by=request.by(SourceType.ACCOUNT), now=request.now)
    return HttpResponseRedirect(reverse("properties:list", args=[account_id]))


@require_http_methods(["GET", "POST"])
@account_page(Right.PROPERTIES_EDIT)
def index(request: AccountRequest, account_id: int, name: str) -> HttpResponse:
    """Mark a property indexed or take its index away; answer how far it is."""
    definition = queries.definitions(account_id, with_archived=True).get(name)
    if definition is None:
        raise PropertyUnknown(name)
    problem = None
    if request.method == "POST":
        service = stop_indexing if request.POST.get("remove") == "1" else index_property
        try:
            service(account_id, name, by=request.by(SourceType.ACCOUNT), now=request.now)
        except Refused as refusal:
            problem = refusal
    if not request.htmx:
        if problem is not None:
            messages.error(request, problem.message)
        return HttpResponseRedirect(reverse("properties:edit", args=[account_id, name]))
    return render(
        request,
        "properties/_index.html",
        {**_index_card(account_id, definition), "index_problem": problem},
        status=http_status(problem) if problem else 200,
    )


def _index_card(account_id: int, definition: PropertyDef) -> dict[str, object]:
    indexes = queries.indexes(account_id)
    return {
        "definition": definition,
        "index": index_shown(indexes.get(definition.name)),
        "can_be_indexed": can_be_indexed(definition),
        "indexed_count": len(indexes),
        "most_indexed": MOST_INDEXED,
    }


def read_options(text: str) -> list[Option]:
    """Read options, one a line: `value`, or `value = label`; a leading - hides it."""
    found = []
    for line in text.splitlines():
        plain = line.strip()
        if not plain:
            continue
        is_hidden = plain.startswith("-")
        value, _sign, label = plain.lstrip("-").partition("=")
        found.append(Option(value.strip(), (label or value).strip(), is_hidden))
    return found


def _form(
    request: AccountRequest,
    definition: PropertyDef | None,
    given: dict[str, str],
    refusal: Refused | None = None,
) -> HttpResponse:
    return render(
        request,
        "properties/edit.html",
        {
            **(_index_card(request.account.id, definition) if definition else {}),
            "definition": definition,
            "label": label_of(definition) if definition else "",
            "type_label": type_label(definition) if definition else "",
            "given": given,
            "problem": refusal,
            "problem_field": refusal.facts.get("field", "") if refusal else "",
            "types": type_labels(),
            "groups": [
                (name, in_language(label, label_pl))
                for name, label, label_pl in queries.groups(request.account.id)
            ],
        },
        status=http_status(refusal) if refusal else 200,
    )
