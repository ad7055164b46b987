"""An inbox of many years, made by the database itself: tickets, their messages, statuses, clocks, ratings and history, as the
services would have left them.

Words follow Zipf's law, as those of a language do: a few are in every other message, most in a handful of them.
"""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from typing import Any

from django.db import connection

WORDS = 20_000
SENTENCES = 40_000
LONG = 200  # messages of the longest ticket
TABLES = ("support_ticket", "support_message", "support_statuschange", "support_clockresult", "support_rating", "core_event")
INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s) AND indexdef NOT LIKE '%%UNIQUE%%'"
HANDS = 2  # connections at once

TICKETS = """
INSERT INTO support_ticket (created_at, program_id, affiliate_id, channel_id, subject, type, status, priority, level, assignee_id,
    assigned_at, assigned_reason, tags, language, policy_id, next_due, warn_at, next_reply_due, first_replied_at, answered_at,
    resolved_at, reopened, last_at, last_in_at, last_out_at, warned_of, breached_of)
SELECT at, %(program)s, affiliate, %(channel)s, s.body, 'question',
    CASE WHEN NOT open THEN 'resolved' WHEN n %% 3 = 0 THEN 'pending' ELSE 'open' END, 'normal', 'support',
    CASE WHEN NOT open OR n %% 10 > 0 THEN person END, at, '',
    CASE WHEN n %% 7 = 0 THEN ARRAY['payout'] ELSE ARRAY[]::varchar[] END, 'en', %(policy)s,
    CASE WHEN open AND n %% 3 > 0 THEN now() + (n %% 4000 - 200) * interval '1 minute' END,
    CASE WHEN open AND n %% 3 > 0 THEN now() + (n %% 4000 - 260) * interval '1 minute' END,
    CASE WHEN open AND n %% 3 > 0 THEN now() + (n %% 4000 - 200) * interval '1 minute' END,
    at + interval '3 minutes', at + interval '20 minutes', CASE WHEN open THEN NULL ELSE at + interval '1 day' END, 0,
    at + interval '1 day', at + interval '4 hours', at + interval '5 hours', '{}', '{}'
FROM (SELECT n, now() - (%(tickets)s - n) * (interval '1100 days' / %(tickets)s) - interval '1 day' AS at, n > %(tickets)s - %(open)s AS open,
        (%(affiliates)s::bigint[])[1 + n %% cardinality(%(affiliates)s::bigint[])] AS affiliate,
        (%(people)s::bigint[])[1 + n %% cardinality(%(people)s::bigint[])] AS person
      FROM generate_series(1, %(tickets)s) n) t
JOIN bench_sentence s ON s.s = t.n %% %(sentences)s
"""
MESSAGES = """
INSERT INTO support_message (created_at, ticket_id, program_id, language, direction, author_id, body_text, body_html, quoted_text,
    is_answer, provider_id, automatic, authenticity, remarks)
SELECT t.created_at + k * CASE WHEN t.id = %(long)s THEN interval '5 minutes' ELSE interval '1 hour' END, t.id,
    t.program_id, t.language, CASE WHEN k %% 2 = 0 THEN 'in' ELSE 'out' END,
    CASE WHEN k %% 2 = 1 THEN coalesce(t.assignee_id, %(person)s) END,
    a.body || ' ' || b.body || ' order ' || (t.id * 5 + k), '', '', true, 'bench-' || t.id || '-' || k || '@tributary.example', '', '', ''
FROM support_ticket t CROSS JOIN generate_series(0, CASE WHEN t.id = %(long)s THEN %(most)s - 1 ELSE 4 END) k
JOIN bench_sentence a ON a.s = (t.id * 7919 + k::bigint * 104729) %% %(sentences)s
JOIN bench_sentence b ON b.s = (t.id * 15485863 + k::bigint * 32452843) %% %(sentences)s
WHERE t.id > %(after)s AND t.id <= %(until)s
"""
STATUSES = """
INSERT INTO support_statuschange (ticket_id, status, at, reason)
SELECT id, status, at, '' FROM (
    SELECT id, 'new' AS status, created_at AS at FROM support_ticket
    UNION ALL SELECT id, 'open', first_replied_at FROM support_ticket
    UNION ALL SELECT id, status, last_at FROM support_ticket WHERE status <> 'open') changes
"""
RESULTS = """
INSERT INTO support_clockresult (ticket_id, clock, started_at, due_at, done_at, met, target, used, person_id)
SELECT id, clock, created_at, created_at + target, done, done <= created_at + target, target, done - created_at, assignee_id
FROM support_ticket CROSS JOIN LATERAL (VALUES
    ('first_reply', interval '5 minutes', created_at + (30 + id %% 400) * interval '1 second'),
    ('answer', interval '30 minutes', created_at + (7 + id %% 31) * interval '1 minute'),
    ('resolution', interval '1 day', resolved_at)) c (clock, target, done)
WHERE done IS NOT NULL
"""
RATINGS = """
INSERT INTO support_rating (created_at, ticket_id, program_id, channel_id, person_id, asked_at, closes_at, score, sent_to, reason, via,
    rated_at)
SELECT resolved_at, id, program_id, channel_id, assignee_id, resolved_at, resolved_at + interval '14 days', 1 + id / 5 %% 5, '', '', 'portal',
    resolved_at + interval '2 hours'
FROM support_ticket WHERE resolved_at IS NOT NULL AND id %% 5 = 0
"""
EVENTS = """
INSERT INTO core_event (name, at, by_id, about, data, reason)
SELECT 'ticket.resolved', resolved_at, assignee_id, ARRAY['ticket:' || id, 'affiliate:' || affiliate_id], '{}', ''
FROM support_ticket WHERE resolved_at IS NOT NULL
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
    """`tickets` tickets over three years, five messages each, the newest LONG; `open_tickets` of them, the newest, wait for us or
    for the affiliate. Made without indexes and without the checks that rows are referred to, which these are by construction:
    it is the same in a fifth of the time."""
    values = {
        "program": program, "channel": channel, "policy": policy, "affiliates": affiliates, "people": people, "person": people[0],
        "tickets": tickets, "open": open_tickets, "sentences": SENTENCES, "most": LONG,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(INDEXES, [list(TABLES)])
        indexes = cursor.fetchall()
        for name, _definition in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        cursor.execute("CREATE UNLOGGED TABLE bench_sentence (s int PRIMARY KEY, body text)")
        cursor.execute(
            "INSERT INTO bench_sentence SELECT n - 1, body FROM unnest(%s::text[]) WITH ORDINALITY b (body, n)", [sentences()]
        )
        cursor.execute("ANALYZE bench_sentence")
    _execute(TICKETS, values)
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(id) FROM support_ticket")
        ((last,),) = cursor.fetchall()
    parts = [(last * n // 20, last * (n + 1) // 20) for n in range(20)]  # in turns, so that rows lie about as they were written
    values["long"] = last
    with ThreadPoolExecutor(HANDS) as hands:
        list(hands.map(lambda part: _execute(MESSAGES, {**values, "after": part[0], "until": part[1]}), parts))
        list(hands.map(lambda statement: _execute(statement, values), (STATUSES, RESULTS, RATINGS, EVENTS)))
        list(hands.map(_execute, sorted((definition for _name, definition in indexes), key=lambda each: "gin" not in each)))
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE bench_sentence")
        cursor.execute(f"VACUUM ANALYZE {', '.join(TABLES)}, affiliates_affiliate, affiliates_enrollment")
        cursor.execute("CHECKPOINT")


def _execute(statement: str, values: dict[str, Any] | None = None) -> None:
    """On a connection of the calling thread."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SET maintenance_work_mem = '1GB'")
        cursor.execute("SET synchronous_commit = off")
        cursor.execute(statement, values)
    connection.close()
