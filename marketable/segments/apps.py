"""What this area tells others at the start."""

from django.apps import AppConfig


class Segments(AppConfig):
    name = "marketable.segments"

    def ready(self) -> None:
        from marketable.contacts.erasing import forgets_in

        forgets_in("marketable.segments.forgetting")
        forgets_in("marketable.segments.saved_views.forgetting")
