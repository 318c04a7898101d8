"""Who may do what: roles, rights and their scopes (P1). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Right(StrEnum):
    CONTACTS_VIEW = "contacts.view"
    CONTACTS_EDIT = "contacts.edit"
    CONTACTS_DELETE = "contacts.delete"
    CONTACTS_BULK_DELETE = "contacts.bulk_delete"
    CONTACTS_MERGE = "contacts.merge"
    CONTACTS_ERASE = "contacts.erase"
    CONVERSATIONS_REPLY = "conversations.reply"
    CONTACTS_IMPORT = "contacts.import"
    CONTACTS_EXPORT = "contacts.export"
    MARKETING_ACCESS = "marketing_contacts.access"
    MARKETING_APPROVE = "marketing_contacts.approve"
    MARKETING_SEND = "marketing.send"
    WORKFLOWS_VIEW = "workflows.view"
    WORKFLOWS_EDIT = "workflows.edit"
    FORMS_EDIT = "forms.edit"
    PROPERTIES_EDIT = "properties.edit"
    INTEGRATIONS_MANAGE = "integrations.manage"
    SETTINGS_MANAGE = "settings.manage"
    BILLING_MANAGE = "billing.manage"
    USERS_MANAGE = "users.manage"


class Scope(StrEnum):
    """Whose contacts a right reaches, by contact owner; unowned ones only under ALL."""

    NONE = "none"
    OWN = "own"
    TEAM = "team"
    ALL = "all"


#: Rights that reach some contacts and not others.
SCOPED = frozenset({Right.CONTACTS_VIEW, Right.CONTACTS_EDIT, Right.CONTACTS_DELETE})

OWNER, MANAGER, MARKETER = "owner", "marketing_manager", "marketer"
SALES, ANALYST, BILLING = "sales", "analyst", "billing"
ROLES = (OWNER, MANAGER, MARKETER, SALES, ANALYST, BILLING)

#: Right → the roles that have it. What is not listed a role has not.
PLAIN: Mapping[Right, frozenset[str]] = {
    Right.CONTACTS_BULK_DELETE: frozenset({OWNER, MANAGER}),
    Right.CONTACTS_MERGE: frozenset({OWNER, MANAGER, MARKETER}),
    Right.CONTACTS_ERASE: frozenset({OWNER, MANAGER}),
    Right.CONVERSATIONS_REPLY: frozenset({OWNER, MANAGER, MARKETER, SALES}),
    Right.CONTACTS_IMPORT: frozenset({OWNER, MANAGER, MARKETER}),
    Right.CONTACTS_EXPORT: frozenset({OWNER, MANAGER, ANALYST}),
    Right.MARKETING_ACCESS: frozenset({OWNER, MANAGER, MARKETER}),
    Right.MARKETING_APPROVE: frozenset({OWNER, MANAGER, BILLING}),
    Right.MARKETING_SEND: frozenset({OWNER, MANAGER, MARKETER}),
    Right.WORKFLOWS_VIEW: frozenset({OWNER, MANAGER, MARKETER, ANALYST}),
    Right.WORKFLOWS_EDIT: frozenset({OWNER, MANAGER}),
    Right.FORMS_EDIT: frozenset({OWNER, MANAGER, MARKETER}),
    Right.PROPERTIES_EDIT: frozenset({OWNER, MANAGER}),
    Right.INTEGRATIONS_MANAGE: frozenset({OWNER, MANAGER}),
    Right.SETTINGS_MANAGE: frozenset({OWNER, MANAGER}),
    Right.BILLING_MANAGE: frozenset({OWNER, BILLING}),
    Right.USERS_MANAGE: frozenset({OWNER}),
}
WIDE: Mapping[Right, Mapping[str, Scope]] = {
    Right.CONTACTS_VIEW: {
        OWNER: Scope.ALL,
        MANAGER: Scope.ALL,
        MARKETER: Scope.ALL,
        SALES: Scope.TEAM,
        ANALYST: Scope.ALL,
    },
    Right.CONTACTS_EDIT: {
        OWNER: Scope.ALL,
        MANAGER: Scope.ALL,
        MARKETER: Scope.ALL,
        SALES: Scope.OWN,
    },
    Right.CONTACTS_DELETE: {
        OWNER: Scope.ALL,
        MANAGER: Scope.ALL,
        MARKETER: Scope.OWN,
        SALES: Scope.OWN,
    },
}


#: What can be chosen for one right of one person: what the role gives, or a single right given or
#: taken. For a right with scopes, each scope; otherwise yes or no.
BY_ROLE, YES, NO = "role", "yes", "no"


def choices_of(right: Right) -> tuple[str, ...]:
    """Return what can be chosen for a right.

    >>> choices_of(Right.CONTACTS_EDIT), choices_of(Right.MARKETING_ACCESS)
    (('role', 'all', 'team', 'own', 'none'), ('role', 'yes', 'no'))
    """
    if right in SCOPED:
        return (BY_ROLE, *(scope.value for scope in (Scope.ALL, Scope.TEAM, Scope.OWN, Scope.NONE)))
    return (BY_ROLE, YES, NO)


@dataclass(frozen=True, slots=True)
class Rights:
    """The rights of one person in one account.

    granted    codes of rights given to this person; one with scopes as `contacts.edit:team`, or
               plainly, which means all contacts
    withdrawn  codes of rights taken from this person, whatever the role says
    """

    role: str
    granted: frozenset[str] = frozenset()
    withdrawn: frozenset[str] = frozenset()

    def may(self, right: Right) -> bool:
        """Tell whether the person has the right, for some contacts at least.

        >>> Rights(SALES).may(Right.CONTACTS_EDIT), Rights(SALES).may(Right.MARKETING_ACCESS)
        (True, False)
        """
        if right in SCOPED:
            return self.scope(right) is not Scope.NONE
        if right.value in self.withdrawn:
            return False
        return right.value in self.granted or self.role in PLAIN[right]

    def scope(self, right: Right) -> Scope:
        """Return whose contacts a scoped right reaches.

        >>> Rights(SALES).scope(Right.CONTACTS_VIEW)
        <Scope.TEAM: 'team'>
        >>> Rights(SALES, granted=frozenset({"contacts.edit:team"})).scope(Right.CONTACTS_EDIT)
        <Scope.TEAM: 'team'>
        """
        own = self._own_choice(right)
        return Scope(own) if own is not None else WIDE[right].get(self.role, Scope.NONE)

    def choice(self, right: Right) -> str:
        """Return what was chosen for the right, of `choices_of`.

        >>> Rights(SALES).choice(Right.MARKETING_ACCESS)
        'role'
        """
        own = self._own_choice(right)
        return BY_ROLE if own is None else own

    def with_choice(self, right: Right, choice: str) -> "Rights":
        """Return the rights with another choice for one right.

        >>> Rights(SALES).with_choice(Right.MARKETING_ACCESS, YES).may(Right.MARKETING_ACCESS)
        True
        """
        others = {code for code in self.granted if code.partition(":")[0] != right.value}
        granted, withdrawn = others, set(self.withdrawn) - {right.value}
        if choice in {NO, Scope.NONE.value}:
            withdrawn.add(right.value)
        elif choice == YES:
            granted.add(right.value)
        elif choice != BY_ROLE:
            granted.add(f"{right.value}:{choice}")
        return Rights(self.role, frozenset(granted), frozenset(withdrawn))

    def _own_choice(self, right: Right) -> str | None:
        is_scoped = right in SCOPED
        if right.value in self.withdrawn:
            return Scope.NONE.value if is_scoped else NO
        for code in self.granted:
            name, _colon, scope = code.partition(":")
            if name == right.value:
                return (scope or Scope.ALL.value) if is_scoped else YES
        return None


def is_keeper(rights: Rights) -> bool:
    """Tell whether this is an Owner who can give rights; an account always keeps one (P8).

    >>> is_keeper(Rights(OWNER)), is_keeper(Rights(OWNER, withdrawn=frozenset({"users.manage"})))
    (True, False)
    """
    return rights.role == OWNER and rights.may(Right.USERS_MANAGE)
