"""Saved views of the contacts table: a name for a search, filter, order and columns."""
