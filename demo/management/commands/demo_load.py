from datetime import timedelta
from typing import Any

from celery import current_app
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone

from demo.models import LOADED, Chapter
from demo.story import Story
from demo.totals import totals_of_file, totals_of_tables
from payouts.verification import verify_ledger
from programs.models import Program


class Command(BaseCommand):
    help = "Loads the demo program CDNOW from real orders, once; a load that was cut off goes on where it stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        if Chapter.objects.filter(name=LOADED).exists():
            return
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_lock(hashtext('tributary demo'))"
            )  # two loads take turns; given back with the connection
        if Chapter.objects.filter(name=LOADED).exists():
            return
        if not Chapter.objects.exists() and Program.objects.filter(slug="cdnow").exists():
            raise CommandError("There is a program “cdnow” already that is not the demo’s. Start with --no-demo.")
        story = Story(timezone.now().date() - timedelta(days=1), say=self._say, worker=_worker_runs())
        story.tell()
        wanted, found = totals_of_file(story.yesterday), totals_of_tables(story.program.pk)
        if wanted != found:
            raise CommandError(f"The demo does not match its file.\n  file:   {wanted}\n  loaded: {found}")
        if broken := verify_ledger():
            raise CommandError(f"The demo’s ledger does not hold: {broken[0]}")
        _settle()
        Chapter.objects.get_or_create(name=LOADED)
        self._say(f"{found.orders:,} orders over {found.amount:,.2f} USD, as in the file to the cent; the ledger holds")

    def _say(self, text: str) -> None:
        self.stdout.write(f"Demo: {text}")
        self.stdout.flush()


def _settle() -> None:
    """What the database would find out about so many rows within minutes, before the first page asks for them."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if connection.in_atomic_block else "VACUUM (ANALYZE)")


def _worker_runs() -> bool:
    return bool(current_app.control.ping(timeout=1.0))
