"""The names of rights, for refusals and pages."""

from django.utils.translation import gettext_lazy

RIGHTS = {
    "contacts.view": gettext_lazy("View contacts"),
    "contacts.edit": gettext_lazy("Create and edit contacts"),
    "contacts.delete": gettext_lazy("Delete one contact"),
    "contacts.bulk_delete": gettext_lazy("Delete many contacts"),
    "contacts.merge": gettext_lazy("Merge contacts"),
    "contacts.erase": gettext_lazy("Erase contacts for good"),
    "contacts.import": gettext_lazy("Import"),
    "contacts.export": gettext_lazy("Export"),
    "marketing_contacts.access": gettext_lazy("Marketing contacts access"),
    "properties.edit": gettext_lazy("Edit properties"),
    "settings.manage": gettext_lazy("Account settings"),
    "billing.manage": gettext_lazy("Billing, tiers and limits"),
    "users.manage": gettext_lazy("People and roles"),
}


def right_name(code: str) -> str:
    return str(RIGHTS.get(code, code))
