"""The inbox after years: a million tickets, five million messages. Server time of the queue, a ticket's page and the search.

Measured as `pages` does, inside one process without the network. The aim is a p95 under 50 ms for each.
"""

from __future__ import annotations

import os
import statistics
import time

from django.db import connection

TICKETS = int(os.environ.get("INBOX_TICKETS", 1_000_000))
OPEN = 3_000
ROUNDS = 30
AIM = 50.0  # ms, p95


def main() -> int:
    mara = _fill()
    from support.queries.search import search_tickets

    with connection.cursor() as cursor:
        cursor.execute("SELECT body_text, id, ticket_id FROM support_message ORDER BY id DESC OFFSET 1000 LIMIT 1")
        body, message, ticket = cursor.fetchone()
        cursor.execute(
            "SELECT word, ndoc FROM ts_stat('SELECT search FROM support_message WHERE id % 100 = 0') ORDER BY ndoc DESC"
        )
        words = cursor.fetchall()
    for at in (0, 10, 100, 300, 1000, 3000, len(words) - 1):
        word, ndoc = words[min(at, len(words) - 1)]
        _measure(f"search {word!r} ({ndoc * 100:,} messages)", lambda word=word: search_tickets(word, by=mara))
    _measure("search two common", lambda: search_tickets(f"{words[5][0]} {words[9][0]}", by=mara))
    _measure("search phrase", lambda: search_tickets(f'"{" ".join(body.split()[2:5])}"', by=mara))
    _measure("search order", lambda: search_tickets(f"order {body.split()[-1]}", by=mara))
    _measure("search name", lambda: search_tickets("bench 17", by=mara))
    return 0


def _measure(told: str, ask) -> None:
    ask()
    times = []
    for _round in range(ROUNDS):
        started = time.perf_counter()
        found = ask()
        times.append((time.perf_counter() - started) * 1000)
    p50, p95 = statistics.median(times), statistics.quantiles(times, n=20)[18]
    print(
        f"{told:62} {p50:8.1f} {p95:8.1f}  {len(found.tickets)}{' cut' if found.cut else ''}{'  slow' if p95 > AIM else ''}",
        flush=True,
    )


def _fill():
    from django.utils import timezone

    from accounts.models import Role, RoleAssignment, User
    from affiliates.models import Affiliate, Enrollment
    from benchmarks._inbox_rows import fill
    from channels.models import Channel
    from programs.models import Program
    from support.models import SlaPolicy

    program = Program.objects.create(name="Bench", slug="bench", currency="USD")
    channel = Channel.objects.create(kind="portal", name="Portal", slug="portal-bench", program=program)
    people = []
    for name in ("mara", "sofia", "jun", "hana"):
        person = User.objects.create_user(f"{name}@tributary.example", name=name.capitalize())
        RoleAssignment.objects.create(user=person, role=Role.MANAGER, program=program)
        people.append(person)
    affiliates = Affiliate.objects.bulk_create(
        Affiliate(name=f"Bench {n}", email=f"bench-{n}@affiliates.example", manager=people[n % 4]) for n in range(5_000)
    )
    Enrollment.objects.bulk_create(
        Enrollment(affiliate=a, program=program, status="approved", status_at=timezone.now()) for a in affiliates
    )
    policy = SlaPolicy.objects.first()
    started = time.perf_counter()
    fill(
        TICKETS, OPEN, program=program.pk, channel=channel.pk, policy=policy and policy.pk,
        affiliates=[a.pk for a in affiliates], people=[p.pk for p in people],
    )  # fmt: skip
    print(f"{TICKETS:,} tickets, {5 * TICKETS:,} messages made in {time.perf_counter() - started:.0f} s", flush=True)
    return people[0]


if __name__ == "__main__":
    main()
