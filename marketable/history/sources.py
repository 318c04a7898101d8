"""Who caused a change, and by which tool (H2). Stays free of the database."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class SourceType(StrEnum):
    BULK = "BULK"
    RECORD = "RECORD"
    CREATE = "CREATE"
    WIZARD = "WIZARD"
    WORKFLOW = "WORKFLOW"
    FORM = "FORM"
    EXTERNAL_FORM = "EXTERNAL_FORM"
    CHATFLOW = "CHATFLOW"
    IMPORT = "IMPORT"
    INTEGRATION = "INTEGRATION"
    API = "API"
    POLICY = "POLICY"
    MERGE = "MERGE"
    RESTORE = "RESTORE"
    UNDO = "UNDO"
    COMMAND = "COMMAND"
    SYSTEM = "SYSTEM"
    UPDATE_DATE = "UPDATE_DATE"
    ACCOUNT = "ACCOUNT"


#: How a reason for being marketing is named outside (H2); a source that is not here has its own.
REASON_TYPES = {
    SourceType.BULK: "CRM_UI_BULK_ACTION",
    SourceType.RECORD: "CRM_UI",
    SourceType.CREATE: "CRM_UI",
    SourceType.WORKFLOW: "AUTOMATION_PLATFORM",
    SourceType.EXTERNAL_FORM: "FORM",
    SourceType.CHATFLOW: "CONVERSATIONS",
    SourceType.ACCOUNT: "BILLING",
}


#: How what created a contact is named outside; a tool that is not here has its own name.
ORIGINS = {
    **REASON_TYPES,
    SourceType.MERGE: "MERGE_CONTACTS",
    **dict.fromkeys(
        (
            SourceType.WIZARD,
            SourceType.POLICY,
            SourceType.RESTORE,
            SourceType.UNDO,
            SourceType.COMMAND,
            SourceType.SYSTEM,
            SourceType.UPDATE_DATE,
        ),
        "UNKNOWN",
    ),
}


@dataclass(frozen=True, slots=True)
class Source:
    """The actor and the tool of a change.

    actor_type   user, token, command or system
    actor_id     the user's or token's number as text; the system user's name for a command
    actor_label  what people read: a name or an address
    tool         one of H2
    tool_id      the form, import, workflow … as text; may be empty
    tool_label   its name
    """

    actor_type: str
    actor_id: str
    actor_label: str
    tool: SourceType
    tool_id: str = ""
    tool_label: str = ""

    def through(self, tool: SourceType, tool_id: str = "", tool_label: str = "") -> "Source":
        """Return the same actor acting through another tool."""
        return Source(self.actor_type, self.actor_id, self.actor_label, tool, tool_id, tool_label)

    def as_json(self) -> dict[str, str]:
        return {**asdict(self), "tool": self.tool.value}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Source":
        return cls(**{**stored, "tool": SourceType(stored["tool"])})


def system(tool: SourceType = SourceType.SYSTEM, tool_id: str = "") -> Source:
    """Return the source of what the product does by itself."""
    return Source("system", "", "marketable", tool, tool_id, "")
