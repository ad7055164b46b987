import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection, transaction

from payouts.verification import INVARIANTS, verify_ledger


class Command(BaseCommand):
    help = "Proves every invariant of the ledger; exit status 1 and the first offending rows otherwise."

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            with connection.cursor() as cursor:
                # One picture of the whole, while others work on.
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            broken = verify_ledger()
        for failure in broken:
            self.stderr.write(f"BROKEN: {failure.invariant} ({failure.count} rows)")
            for row in failure.rows:
                self.stderr.write("  " + " | ".join(str(cell) for cell in row))
        if broken:
            sys.exit(1)
        self.stdout.write(f"The ledger holds: {len(INVARIANTS)} invariants proved.")
