"""The JSON Schema of the filter language, made from the tables that it is read by."""

from typing import Any

from marketable.history.sources import SourceType
from marketable.marketing_status.rules import Status
from marketable.segments.rules import (
    LONGEST_TEXT,
    MOST_DAYS,
    MOST_VALUES,
    TAKES,
    VERSION,
    Operator,
    Takes,
)

SCALAR = {"type": ["string", "number", "boolean"], "maxLength": LONGEST_TEXT}
DAYS = {"type": "integer", "minimum": 0, "maximum": MOST_DAYS}
MOVED = {
    "type": "object",
    "properties": {
        "days_from_today": {"type": "integer", "minimum": -MOST_DAYS, "maximum": MOST_DAYS}
    },
    "required": ["days_from_today"],
    "additionalProperties": False,
}
ONE = {"anyOf": [SCALAR, MOVED]}
VALUES: dict[Takes, dict[str, Any] | None] = {
    Takes.NOTHING: None,
    Takes.ONE: ONE,
    Takes.SEVERAL: {"type": "array", "items": ONE, "minItems": 1, "maxItems": MOST_VALUES},
    Takes.TWO: {"type": "array", "items": ONE, "minItems": 2, "maxItems": 2},
    Takes.DAYS: DAYS,
}
SEGMENT = {"type": "integer", "minimum": 1}
TOOLS = {"enum": sorted(tool.value for tool in SourceType)}
TOOL_OR_TOOLS = {"anyOf": [TOOLS, {"type": "array", "items": TOOLS, "minItems": 1}]}


def filter_schema() -> dict[str, Any]:
    """Return the schema. It describes the shape; whether a property exists, and which operators
    its type has, an account knows."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "marketable filter",
        "type": "object",
        "properties": {"version": {"const": VERSION}},
        "anyOf": [{"$ref": "#/$defs/group"}, {"$ref": "#/$defs/condition"}],
        "$defs": {
            "group": {
                "anyOf": [
                    {
                        "type": "object",
                        "properties": {joint: {"$ref": "#/$defs/parts"}},
                        "required": [joint],
                    }
                    for joint in ("and", "or")
                ],
            },
            "parts": {
                "type": "array",
                "items": {"anyOf": [{"$ref": "#/$defs/group"}, {"$ref": "#/$defs/condition"}]},
            },
            "condition": {"anyOf": [*_property_conditions(), *_other_conditions()]},
        },
    }


def _property_conditions() -> list[dict[str, Any]]:
    found = []
    for takes, value in VALUES.items():
        names = sorted(one.value for one in Operator if TAKES[one] is takes)
        keys: dict[str, Any] = {"property": {"type": "string"}, "operator": {"enum": names}}
        found.append(_condition(keys if value is None else {**keys, "value": value}))
    return found


def _other_conditions() -> list[dict[str, Any]]:
    some = {"anyOf": [SCALAR, {"type": "array", "items": SCALAR, "minItems": 1}]}
    source_id = {"source_id": {"type": "string", "maxLength": LONGEST_TEXT}}
    return [
        _condition({"marketing_status": {"enum": [status.value for status in Status]}}),
        _condition({"counts": {"type": "boolean"}}),
        _condition({"segment": SEGMENT}),
        _condition({"not_in_segment": SEGMENT}),
        _condition({"source": TOOL_OR_TOOLS}, source_id),
        _condition({"created_by": TOOL_OR_TOOLS}, source_id),
        _condition({"changed": {"type": "string"}, "in_last_days": DAYS}),
        _condition({"was_ever": {"type": "string"}, "value": some}),
    ]


def _condition(keys: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    """A condition with exactly these keys; a filter that is one condition may carry its version."""
    return {
        "type": "object",
        "properties": {**keys, **(optional or {}), "version": {"const": VERSION}},
        "required": list(keys),
        "additionalProperties": False,
    }
