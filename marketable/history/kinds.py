"""The kinds of change there are (L2). The next areas add theirs here."""

from enum import StrEnum


class Kind(StrEnum):
    STATUS_STARTED = "status_started"
    STATUS_STAGED = "status_staged"
    STATUS_KEPT = "status_kept"
    PLACE_MOVED = "place_moved"
    UPDATE_DATE = "update_date"
    CONTACT_CREATED = "contact_created"
    CONTACT_CHANGED = "contact_changed"
    CONTACT_ARCHIVED = "contact_archived"
    CONTACT_RESTORED = "contact_restored"
    CONTACT_ERASED = "contact_erased"
    CONTACT_MERGED = "contact_merged"
    CONTACT_UNMERGED = "contact_unmerged"
    CONTACT_NOTED = "contact_noted"
    CONTRACT_CHANGED = "contract_changed"
    TIER_UPGRADED = "tier_upgraded"
    MEMBER_CHANGED = "member_changed"
    PROPERTY_CHANGED = "property_changed"
    SETTING_CHANGED = "setting_changed"
    SEGMENT_CHANGED = "segment_changed"
    VIEW_CHANGED = "view_changed"
