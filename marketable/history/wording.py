"""Names of the tools that cause changes, as people read them (H2)."""

from django.utils.translation import gettext_lazy, pgettext_lazy

from marketable.history.sources import SourceType

SOURCES = {
    SourceType.BULK: gettext_lazy("Bulk edit"),
    SourceType.RECORD: gettext_lazy("Contact record"),
    SourceType.CREATE: gettext_lazy("Created by hand"),
    SourceType.WIZARD: gettext_lazy("Managing wizard"),
    SourceType.WORKFLOW: gettext_lazy("Workflow"),
    SourceType.FORM: gettext_lazy("Form"),
    SourceType.EXTERNAL_FORM: gettext_lazy("Form made elsewhere"),
    SourceType.CHATFLOW: gettext_lazy("Chatflow"),
    SourceType.IMPORT: gettext_lazy("Import"),
    SourceType.INTEGRATION: gettext_lazy("Integration"),
    SourceType.API: gettext_lazy("API"),
    SourceType.POLICY: gettext_lazy("Hygiene policy"),
    SourceType.MERGE: gettext_lazy("Merge"),
    SourceType.RESTORE: gettext_lazy("Restored"),
    SourceType.UNDO: pgettext_lazy("tool", "Undo"),
    SourceType.COMMAND: gettext_lazy("Command line"),
    SourceType.SYSTEM: gettext_lazy("System"),
    SourceType.UPDATE_DATE: gettext_lazy("Update date"),
    SourceType.ACCOUNT: gettext_lazy("Account"),
}


def source_name(code: str) -> str:
    return str(SOURCES[SourceType(code)]) if code in SOURCES else code
