"""orders_import against the least that PostgreSQL must do: a bare COPY of the conversions and one INSERT … SELECT of commissions.

The same 69,659 orders, the same tables with all their constraints and indexes, in one run. Ours reads and checks the file,
attributes each order (two thirds come by coupon, whose customers are tied), prices it, records its event, and answers for
every row. The bar: at most ten times the bare load.

What came in is held against sums made from the CSV alone, in whole cents: orders, amounts and commissions of each affiliate.
"""

from __future__ import annotations

import csv
import gzip
import io
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from django.db import connection, transaction

ORDERS = Path(__file__).resolve().parent.parent / "data" / "cdnow_orders.csv.gz"
BAR = 10.0


def main() -> int:
    from accounts.services import operator
    from intake.imports import import_orders

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "orders.csv"
        orders = _write_orders(path)
        bare = min(_bare(orders, f"bare-{n}") for n in range(2))
        times = []
        for n in range(2):
            program = _program(f"ours-{n}")
            started = time.perf_counter()
            outcome = import_orders(path, program, by=operator())
            times.append(time.perf_counter() - started)
            wrong = _differences(path, program)
            if (outcome.imported, outcome.rejected) != (len(orders), 0) or wrong:
                print(f"WRONG: {len(orders)} orders, {outcome.imported} imported, {outcome.rejected} rejected", *wrong, sep="\n")
                return 1
    print(f"{len(orders):,} orders: amounts and commissions of every affiliate are those of the CSV, to the cent")
    ours = min(times)
    print(f"bare COPY + INSERT … SELECT  {bare:7.2f} s  {len(orders) / bare:10,.0f} orders/s")
    print(f"orders_import                {ours:7.2f} s  {len(orders) / ours:10,.0f} orders/s")
    print(f"ratio {ours / bare:.1f} (at most {BAR:.0f})")
    return 0 if ours <= BAR * bare else 1


def _differences(path: Path, program) -> list[str]:
    """Where the database differs from the file, coupon by coupon: how many orders, their cents, their commissions' cents."""
    expected: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    with path.open(newline="") as file:
        for order in csv.DictReader(file):
            cents = int(order["amount_usd"].replace(".", ""))
            tenth, left = divmod(cents, 10)
            tenth += left > 5 or (left == 5 and tenth % 2)  # half to even
            sums = expected[order["coupon"]]
            sums[0] += 1
            sums[1] += cents
            sums[2] += tenth if order["coupon"] else 0
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT coalesce(p.code, ''), count(*), sum(v.amount) * 100, coalesce(sum(c.amount), 0) * 100
               FROM tracking_conversion v LEFT JOIN commissions_commission c ON c.conversion_id = v.id
               LEFT JOIN tracking_coupon p ON p.affiliate_id = v.affiliate_id
               WHERE v.program_id = %s GROUP BY 1""",
            [program.pk],
        )
        found = {code: [int(count), amount, commission] for code, count, amount, commission in cursor.fetchall()}
    return [
        f"{code or 'credited to nobody'}: the file says {expected.get(code)}, the database {found.get(code)}"
        for code in sorted(expected.keys() | found.keys())
        if expected.get(code) != found.get(code)
    ]


def _program(slug: str):
    from django.utils import timezone

    from affiliates.models import Affiliate, Enrollment
    from commissions.models import CommissionRule, RuleVersion
    from programs.models import Program
    from tracking.models import Coupon

    program = Program.objects.create(name=slug, slug=slug, currency="USD")
    rule = CommissionRule.objects.create(program=program, name="Sales", event="sale")
    RuleVersion.objects.create(rule=rule, number=1, type="percentage", value=10, starts_at="1990-01-01T00:00:00Z")
    for n in range(40):
        affiliate = Affiliate.objects.create(name=f"{slug} {n}", email=f"{slug}-{n}@affiliates.example")
        Enrollment.objects.create(affiliate=affiliate, program=program, status="approved", status_at=timezone.now())
        Coupon.objects.create(affiliate=affiliate, program=program, code=f"C{n}")
    return program


def _write_orders(path: Path) -> list[list[str]]:
    with gzip.open(ORDERS, "rt", newline="") as file:
        header, *orders = csv.reader(file)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*header, "coupon"])
        for order in orders:
            customer = int(order[1])
            writer.writerow([*order, f"C{customer % 40}" if customer % 3 else ""])
    return orders


def _bare(orders: list[list[str]], slug: str) -> float:
    program = _program(slug)
    affiliates = list(program.coupons.order_by("pk").values_list("affiliate_id", flat=True))
    lines = io.StringIO()
    for number, (order, customer, day, quantity, amount) in enumerate(orders):
        who = affiliates[int(customer) % 40] if int(customer) % 3 else None
        lines.write(_line(program.pk, number, order, day, quantity, amount, who))
    lines.seek(0)
    started = time.perf_counter()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.cursor.copy_expert(
            "COPY tracking_conversion (created_at, program_id, event, external_id, occurred_at, amount, currency, quantity, refunded,"
            " affiliate_id, source, reason, given, fingerprint) FROM STDIN",
            lines,
        )
        cursor.execute(
            """INSERT INTO commissions_commission
                   (created_at, occurred_at, affiliate_id, conversion_id, rule_version_id, amount, currency, decision, reason_code, note, reversed)
               SELECT now(), v.occurred_at, v.affiliate_id, v.id, r.id, round(v.amount * r.value / 100, 2), v.currency, 'pending', '', '', 0
               FROM tracking_conversion v, commissions_ruleversion r JOIN commissions_commissionrule u ON u.id = r.rule_id
               WHERE v.program_id = %s AND u.program_id = %s AND v.affiliate_id IS NOT NULL AND v.amount > 0""",
            [program.pk, program.pk],
        )
    return time.perf_counter() - started


def _line(program: int, number: int, order: str, day: str, quantity: str, amount: str, who: int | None) -> str:
    by = "coupon" if who else ""
    cells = [
        day,
        program,
        "sale",
        order,
        day,
        amount,
        "USD",
        quantity,
        0,
        who or "\\N",
        by,
        by or "nothing_given",
        "{}",
        f"{number:064x}",
    ]
    return "\t".join(map(str, cells)) + "\n"
