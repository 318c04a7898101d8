"""The embedded PostgreSQL: start, join, stop and back it up. Free of Django, which starts later."""

from marketable.postgres.cluster import Cluster, join, running
from marketable.postgres.errors import PostgresRefused
from marketable.postgres.folders import default_data_dir

__all__ = ["Cluster", "PostgresRefused", "default_data_dir", "join", "running"]
