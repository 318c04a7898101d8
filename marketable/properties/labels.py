"""Labels in the language of the reader. Those of users stay as they wrote them (Y3)."""

from django.utils.translation import get_language

from marketable.properties.rules import Option, PropertyDef


def label_of(named: PropertyDef | Option) -> str:
    """Return the label of a property or an option."""
    return in_language(named.label, named.label_pl)


def in_language(label: str, label_pl: str) -> str:
    if label_pl and (get_language() or "").startswith("pl"):
        return label_pl
    return label
