"""People of an account: who they are, what they may do, and invitations."""

import logging
from dataclasses import dataclass

from django.contrib import messages
from django.core.mail import send_mail
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from marketable.accounts import queries, services
from marketable.accounts.errors import LastOwner, MemberUnknown
from marketable.accounts.queries import Member
from marketable.accounts.rules import ROLES, SCOPED, Right, Rights, choices_of
from marketable.errors import Refused
from marketable.history.sources import SourceType
from marketable.web.access import AccountRequest, account_page
from marketable.web.middleware import http_status
from marketable.web.sign_in import link_for
from marketable.web.wording import CHOICES, RIGHTS, SCOPES, needs_right, role_name

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RightShown:
    """A right of one person: what the role gives, and what was chosen of what can be."""

    code: str
    label: str
    from_role: str
    choice: str
    choices: tuple[tuple[str, str], ...]


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
    is_mailed: bool = True,
    email: str = "",
    role: str = "marketer",
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
            "is_mailed": is_mailed,
            "email": email,
            "role": role,
        },
        status=http_status(problem) if problem else 200,
    )


@require_POST
@account_page(Right.USERS_MANAGE)
def invite(request: AccountRequest, account_id: int) -> HttpResponse:
    """Invite somebody by mail, and show the link to hand over as well."""
    email, role = request.POST.get("email", ""), request.POST.get("role", "")
    try:
        invited = services.invite(
            account_id,
            email,
            role,
            by=request.by(SourceType.ACCOUNT),
            now=request.now,
        )
    except Refused as refusal:
        return _page(request, problem=refusal, email=email, role=role)
    link = link_for(request, reverse("invitation", args=[invited.token]))
    name = " ".join(request.account.name.split())
    with translation.override(queries.language_to(email.strip(), account_id)):
        subject = _("Invitation to %(account)s") % {"account": name}
        text = _(
            "%(who)s invites you to %(account)s on marketable:\n\n%(link)s\n\nThe link works once."
        ) % {"who": str(request.user), "account": name, "link": link}
    try:
        send_mail(subject, text, None, [email.strip()])
    except OSError as error:  # the mail server's answer, or none; the invitation stands
        logger.warning("An invitation could not be mailed: %s", error)
        return _page(request, link=link, is_mailed=False)
    return _page(request, link=link)


@require_POST
@account_page(Right.USERS_MANAGE)
def withdraw(request: AccountRequest, account_id: int, invitation_id: int) -> HttpResponse:
    services.withdraw_invitation(
        account_id, invitation_id, by=request.by(SourceType.ACCOUNT), now=request.now
    )
    messages.success(request, _("The invitation was withdrawn. Its link no longer works."))
    return HttpResponseRedirect(reverse("people:list", args=[account_id]))


@require_http_methods(["GET", "POST"])
@account_page(Right.USERS_MANAGE)
def person(request: AccountRequest, account_id: int, user_id: int) -> HttpResponse:
    """Show and change what one person may do: role, team, single rights (P1, P2)."""
    member = queries.member(account_id, user_id)
    if request.method == "GET":
        return _person_page(request, member)
    try:
        services.change_member(
            account_id,
            user_id,
            role=request.POST.get("role", ""),
            team=request.POST.get("team", ""),
            choices={
                Right(code): request.POST[f"right-{code}"]
                for code in RIGHTS
                if f"right-{code}" in request.POST
            },
            by=request.by(SourceType.ACCOUNT),
            now=request.now,
        )
    except MemberUnknown:
        raise
    except Refused as refusal:
        return _person_page(request, member, refusal)
    messages.success(request, _("Saved. It applies from the next page they open."))
    return HttpResponseRedirect(reverse("people:list", args=[account_id]))


def _person_page(
    request: AccountRequest, member: Member, problem: Refused | None = None
) -> HttpResponse:
    """Answer the form; after a refusal with what was chosen in it."""
    posted = request.POST
    return render(
        request,
        "people/person.html",
        {
            "member": member,
            "role": posted.get("role", member.rights.role),
            "team": posted.get("team", member.team),
            "roles": _roles(),
            "rights": [
                _shown(member, Right(code), posted.get(f"right-{code}", "")) for code in RIGHTS
            ],
            "problem": problem,
            "problem_field": problem.facts.get("field", "") if problem else "",
        },
        status=http_status(problem) if problem else 200,
    )


def _shown(member: Member, right: Right, chosen: str) -> RightShown:
    by_role = Rights(member.rights.role)
    if right in SCOPED:
        from_role = str(SCOPES[by_role.scope(right)])
    else:
        from_role = _("yes") if by_role.may(right) else _("no")
    return RightShown(
        right.value,
        str(RIGHTS[right.value]),
        from_role,
        chosen or member.rights.choice(right),
        tuple((choice, str(CHOICES[choice])) for choice in choices_of(right)),
    )


@require_http_methods(["GET", "POST"])
@account_page(Right.USERS_MANAGE)
def remove(request: AccountRequest, account_id: int, user_id: int) -> HttpResponse:
    """Ask, then take a person out of the account (P8)."""
    member = queries.member(account_id, user_id)
    if request.method == "GET":
        return render(request, "people/remove.html", {"member": member})
    try:
        services.remove_member(
            account_id, user_id, by=request.by(SourceType.ACCOUNT), now=request.now
        )
    except LastOwner as refusal:
        page = {"member": member, "problem": refusal}
        return render(request, "people/remove.html", page, status=http_status(refusal))
    messages.success(request, _("%(who)s was removed.") % {"who": member.name or member.email})
    if user_id == request.user.pk:  # not theirs any more
        return HttpResponseRedirect(reverse("home"))
    return HttpResponseRedirect(reverse("people:list", args=[account_id]))
