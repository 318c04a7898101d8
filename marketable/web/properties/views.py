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
from marketable.properties.labels import in_language, label_of
from marketable.properties.rules import Option, PropertyDef, PropertyType
from marketable.web.access import AccountRequest, account_page
from marketable.web.middleware import http_status
from marketable.web.wording import needs_right


def type_labels() -> list[tuple[str, str]]:
    return [
        ("string/text", _("Text, one line")),
        ("string/textarea", _("Text, several lines")),
        ("number/number", _("Number")),
        ("date/date", _("Date")),
        ("datetime/date", _("Date and time")),
        ("enumeration/select", _("Choice of one")),
        ("enumeration/checkbox", _("Choice of several")),
        ("bool/booleancheckbox", _("Yes or no")),
        ("phone_number/phonenumber", _("Telephone number")),
    ]


def type_label(definition: PropertyDef) -> str:
    """Return the name of a property's type; of kinds that people cannot choose, the nearest."""
    labels = dict(type_labels())
    exact = f"{definition.type}/{definition.field_type}"
    return labels.get(exact) or next(
        label for kind, label in labels.items() if kind.startswith(f"{definition.type}/")
    )


@require_GET
@account_page(Right.CONTACTS_VIEW)
def listing(request: AccountRequest, account_id: int) -> HttpResponse:
    definitions = queries.definitions(account_id, with_archived=True)
    rows = [(one, label_of(one), type_label(one)) for one in definitions.values()]
    return render(
        request,
        "properties/list.html",
        {
            "own": [row for row in rows if not row[0].is_system],
            "system": [row for row in rows if row[0].is_system],
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
    definition = queries.definitions(account_id, with_archived=True).get(name)
    if definition is None or definition.is_system:
        raise PropertyUnknown(name)
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
            "definition": definition,
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
