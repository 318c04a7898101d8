"""What this area tells others at the start."""

from django.apps import AppConfig


class BulkActions(AppConfig):
    name = "marketable.bulk_actions"

    def ready(self) -> None:
        from marketable.contacts.erasing import forgets_in

        forgets_in("marketable.bulk_actions.forgetting")
