"""How quick the product is, each figure beside its floor measured in the same run on the same data.

A floor is the same work in the leanest form: bare SQL on the same tables, indexes and constraints.
"""
