"""People of an account: who they are, what they may do, and invitations."""

from dataclasses import dataclass

from django.contrib import messages
from django.core.mail import send_mail
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from marketable.accounts import queries, services
from marketable.accounts.errors import MemberUnknown
from marketable.accounts.queries import Member
from marketable.accounts.rules import ROLES, SCOPED, Right, Scope
from marketable.errors import Refused
from marketable.history.sources import SourceType
from marketable.web.access import AccountRequest, account_page
from marketable.web.wording import RIGHTS, needs_right, role_name


@dataclass(frozen=True, slots=True)
class RightShown:
    code: str
    label: str
    choice: str  # role, yes, no
    from_role: str


def _roles() -> list[tuple[str, str]]:
    return [(role, role_name(role)) for role in ROLES]


@require_GET
@account_page()
def listing(request: AccountRequest, account_id: int) -> HttpResponse:
    return _page(request)


def _page(
    request: AccountRequest,
    *,
    problem: Refused | None = None,
    link: str = "",
    email: str = "",
) -> HttpResponse:
    account_id = request.account.id
    may_manage = request.rights.may(Right.USERS_MANAGE)
    return render(
        request,
        "people/list.html",
        {
            "people": [
                (one, role_name(one.rights.role), one.rights.may(Right.MARKETING_ACCESS))
                for one in queries.members(account_id)
            ],
            "invitations": [
                (one, role_name(one.role)) for one in queries.invitations(account_id, request.now)
            ]
            if may_manage
            else [],
            "roles": _roles(),
            "may_manage": may_manage,
            "needs": needs_right(Right.USERS_MANAGE.value),
            "problem": problem,
            "link": link,
            "email": email,
        },
        status=400 if problem else 200,
    )


@require_POST
@account_page(Right.USERS_MANAGE)
def invite(request: AccountRequest, account_id: int) -> HttpResponse:
    """Invite somebody by mail, and show the link to hand over as well."""
    email = request.POST.get("email", "")
    try:
        invited = services.invite(
            account_id,
            email,
            request.POST.get("role", ""),
            by=request.by(SourceType.ACCOUNT),
            now=request.now,
        )
    except Refused as refusal:
        return _page(request, problem=refusal, email=email)
    link = request.build_absolute_uri(reverse("invitation", args=[invited.token]))
    name = " ".join(request.account.name.split())
    send_mail(
        _("Invitation to %(account)s") % {"account": name},
        _("%(who)s invites you to %(account)s on marketable:\n\n%(link)s\n\nThe link works once.")
        % {"who": str(request.user), "account": name, "link": link},
        None,
        [email.strip()],
        fail_silently=False,
    )
    return _page(request, link=link)


@require_POST
@account_page(Right.USERS_MANAGE)
def withdraw(request: AccountRequest, account_id: int, invitation_id: int) -> HttpResponse:
    services.withdraw_invitation(
        account_id, invitation_id, by=request.by(SourceType.ACCOUNT), now=request.now
    )
    messages.success(request, _("The invitation's link is worthless now."))
    return HttpResponseRedirect(reverse("people:list", args=[account_id]))


def _member(account_id: int, user_id: int) -> Member:
    for one in queries.members(account_id):
        if one.user_id == user_id:
            return one
    raise MemberUnknown


@require_http_methods(["GET", "POST"])
@account_page(Right.USERS_MANAGE)
def person(request: AccountRequest, account_id: int, user_id: int) -> HttpResponse:
    """Change a person's role, team and single rights (P1, P2)."""
    member = _member(account_id, user_id)
    problem: Refused | None = None
    if request.method == "POST":
        by = request.by(SourceType.ACCOUNT)
        try:
            services.change_role(
                account_id, user_id, request.POST.get("role", ""), by=by, now=request.now
            )
            services.set_team(
                account_id, user_id, request.POST.get("team", ""), by=by, now=request.now
            )
            for code in RIGHTS:
                choice = request.POST.get(f"right-{code}")
                if choice in {"role", "yes", "no"}:
                    has_it = {"role": None, "yes": True, "no": False}[choice]
                    services.set_right(
                        account_id, user_id, Right(code), has_it, by=by, now=request.now
                    )
        except Refused as refusal:
            problem = refusal
        else:
            messages.success(request, _("Saved. It holds from their next request on."))
            return HttpResponseRedirect(reverse("people:list", args=[account_id]))
    return render(
        request,
        "people/person.html",
        {
            "member": member,
            "roles": _roles(),
            "rights": [_shown(member, code) for code in RIGHTS],
            "problem": problem,
        },
        status=409 if problem else 200,
    )


def _shown(member: Member, code: str) -> RightShown:
    right = Right(code)
    role_only = type(member.rights)(member.rights.role)
    if right in SCOPED:
        from_role = {
            Scope.ALL: _("all contacts"),
            Scope.TEAM: _("contacts of the team"),
            Scope.OWN: _("own contacts"),
            Scope.NONE: _("no"),
        }[role_only.scope(right)]
    else:
        from_role = _("yes") if role_only.may(right) else _("no")
    choice = "role"
    if code in member.rights.granted:
        choice = "yes"
    elif code in member.rights.withdrawn:
        choice = "no"
    return RightShown(code, str(RIGHTS[code]), choice, from_role)


@require_http_methods(["GET", "POST"])
@account_page(Right.USERS_MANAGE)
def remove(request: AccountRequest, account_id: int, user_id: int) -> HttpResponse:
    member = _member(account_id, user_id)
    if request.method == "GET":
        return render(request, "people/remove.html", {"member": member})
    services.remove_member(account_id, user_id, by=request.by(SourceType.ACCOUNT), now=request.now)
    messages.success(request, _("%(who)s was removed.") % {"who": member.name or member.email})
    return HttpResponseRedirect(reverse("people:list", args=[account_id]))
