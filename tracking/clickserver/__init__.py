"""The click server: `/r/<code>` → 302, each answered click a committed row. `python -m tracking.clickserver` runs it.

It is no part of Django's request cycle and imports none of Django. Its parts, from the door inwards:

    __main__   the parent: listens, starts one process for each core, stops them
    process    one process: puts the parts below together and serves until SIGTERM
    http       requests in, answers out (ASGI on uvicorn)
    visits     what a request says about the visit: sub ids, address, browser
    links      the link table in memory, kept fresh by LISTEN / NOTIFY
    recorder   natural batching: while one batch is being committed the next one fills
    store      the batch's way into PostgreSQL: COPY
    spool      the batch's way when PostgreSQL is away: a file, fsynced, replayed later
    ids        click ids
"""
