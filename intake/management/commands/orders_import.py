from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from accounts.services import operator
from core.errors import Refusal
from intake.imports import import_orders
from programs.models import Program


class Command(BaseCommand):
    help = "Imports orders from a CSV file: order_id,customer_id,date,quantity,amount_usd[,coupon][,click_id][,affiliate]. Can be run again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--program", required=True, help="slug of the program")
        parser.add_argument("--rejects", type=Path, help="where rejected rows are written (default: beside the file)")

    def handle(self, *args: Any, file: Path, program: str, rejects: Path | None, **options: Any) -> None:
        found = Program.objects.filter(slug=program).first()
        if found is None:
            raise CommandError(f"There is no program {program!r}. Give its slug.")
        if not file.is_file():
            raise CommandError(f"There is no file {file}.")
        with tqdm(total=file.stat().st_size, unit="B", unit_scale=True, desc="orders", disable=None) as bar:
            try:
                outcome = import_orders(file, found, by=operator(), rejects=rejects, progress=bar.update)
            except Refusal as refusal:
                raise CommandError(refusal.message) from None
        self.stdout.write(
            f"{outcome.rows} rows: {outcome.imported} imported, {outcome.duplicate} duplicate, {outcome.rejected} rejected"
        )
        for reason, count in outcome.reasons.most_common():
            self.stdout.write(f"  {count} × {reason}")
        if outcome.rejects_file:
            self.stdout.write(f"The rejected rows are in {outcome.rejects_file}.")
