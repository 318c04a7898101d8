"""How values look on pages."""

from django import template

register = template.Library()
