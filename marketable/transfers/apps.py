"""What this area tells others at the start."""

from django.apps import AppConfig


class Transfers(AppConfig):
    name = "marketable.transfers"

    def ready(self) -> None:
        from marketable.contacts.erasing import forgets_in

        forgets_in("marketable.transfers.services.remains")
