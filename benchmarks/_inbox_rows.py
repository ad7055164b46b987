"""An inbox of many years, made by the database itself: tickets, their messages and statuses, as the services would have left them.

Words follow Zipf's law, as those of a language do: a few are in every other message, most in a handful of them.
"""

from __future__ import annotations

import random
from itertools import accumulate

from django.db import connection

WORDS = 20_000
SENTENCES = 40_000
INDEXES = """SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ('support_ticket', 'support_message', 'support_statuschange')
             AND indexdef NOT LIKE '%UNIQUE%'"""

TICKETS = """
INSERT INTO support_ticket (created_at, program_id, affiliate_id, channel_id, subject, type, status, priority, level, assignee_id,
    assigned_at, assigned_reason, tags, language, policy_id, next_due, warn_at, next_reply_due, first_replied_at, answered_at,
    resolved_at, reopened, last_at, last_in_at, last_out_at, warned_of, breached_of)
SELECT at, %(program)s, affiliate, %(channel)s, s.body, 'question', CASE WHEN open THEN 'open' ELSE 'resolved' END, 'normal', 'support',
    person, at, '', CASE WHEN n %% 7 = 0 THEN ARRAY['payout'] ELSE ARRAY[]::varchar[] END, 'en', %(policy)s,
    CASE WHEN open THEN now() + (n %% 4000 - 200) * interval '1 minute' END, CASE WHEN open THEN now() + (n %% 4000 - 260) * interval '1 minute' END,
    CASE WHEN open THEN now() + (n %% 4000 - 200) * interval '1 minute' END,
    at + interval '3 minutes', at + interval '20 minutes', CASE WHEN open THEN NULL ELSE at + interval '1 day' END, 0,
    at + interval '1 day', at + interval '4 hours', at + interval '5 hours', '{}', '{}'
FROM (SELECT n, now() - (%(tickets)s - n) * (interval '1100 days' / %(tickets)s) - interval '1 day' AS at, n > %(tickets)s - %(open)s AS open,
        (%(affiliates)s::bigint[])[1 + n %% cardinality(%(affiliates)s::bigint[])] AS affiliate,
        (%(people)s::bigint[])[1 + n %% cardinality(%(people)s::bigint[])] AS person
      FROM generate_series(1, %(tickets)s) n) t
JOIN bench_sentence s ON s.s = t.n %% %(sentences)s
"""
MESSAGES = """
INSERT INTO support_message (created_at, ticket_id, direction, author_id, body_text, body_html, quoted_text, is_answer, provider_id,
    automatic, remarks)
SELECT t.created_at + k * interval '1 hour', t.id, CASE WHEN k %% 2 = 0 THEN 'in' ELSE 'out' END, CASE WHEN k %% 2 = 1 THEN t.assignee_id END,
    a.body || ' ' || b.body || ' order ' || (t.id * 5 + k), '', '', true, 'bench-' || t.id || '-' || k || '@tributary.example', '', ''
FROM support_ticket t CROSS JOIN generate_series(0, 4) k
JOIN bench_sentence a ON a.s = (t.id * 7919 + k * 104729) %% %(sentences)s
JOIN bench_sentence b ON b.s = (t.id * 15485863 + k * 32452843) %% %(sentences)s
"""
STATUSES = """
INSERT INTO support_statuschange (ticket_id, status, at, reason)
SELECT id, status, at, '' FROM (
    SELECT id, 'new' AS status, created_at AS at FROM support_ticket
    UNION ALL SELECT id, 'open', first_replied_at FROM support_ticket
    UNION ALL SELECT id, 'resolved', resolved_at FROM support_ticket WHERE resolved_at IS NOT NULL) changes
"""


def sentences() -> list[str]:
    """The same ones in every run."""
    chance = random.Random(3)
    syllables = [
        a + b for a in ["b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z"] for b in ["a", "e", "i", "o", "u"]
    ]
    words = ["".join(chance.choices(syllables, k=chance.randint(1, 4))) for _ in range(WORDS)]
    weights = list(accumulate(1 / (rank + 1) for rank in range(WORDS)))
    return [" ".join(chance.choices(words, cum_weights=weights, k=chance.randint(6, 18))) for _ in range(SENTENCES)]


def fill(
    tickets: int, open_tickets: int, *, program: int, channel: int, policy: int | None, affiliates: list[int], people: list[int]
) -> None:
    """`tickets` tickets over three years, five messages each; `open_tickets` of them, the newest, wait for us. The indexes are
    made after the rows: it is the same in a fifth of the time."""
    values = {
        "program": program, "channel": channel, "policy": policy, "affiliates": affiliates, "people": people,
        "tickets": tickets, "open": open_tickets, "sentences": SENTENCES,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(INDEXES)
        indexes = cursor.fetchall()
        for name, _definition in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        cursor.execute("CREATE TEMPORARY TABLE bench_sentence (s int PRIMARY KEY, body text)")
        cursor.execute(
            "INSERT INTO bench_sentence SELECT n - 1, body FROM unnest(%s::text[]) WITH ORDINALITY b (body, n)", [sentences()]
        )
        for statement in (TICKETS, MESSAGES, STATUSES):
            cursor.execute(statement, values)
        cursor.execute("SET maintenance_work_mem = '1GB'")
        for _name, definition in indexes:
            cursor.execute(definition)
        cursor.execute("RESET maintenance_work_mem")
        cursor.execute("VACUUM ANALYZE support_ticket, support_message, support_statuschange")
