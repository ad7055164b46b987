"""`script/postgres PROGRAM [arguments]`: a PostgreSQL program (psql, pg_dump, pg_restore) on Tributary's database, wherever that is."""

from __future__ import annotations

import os
import subprocess
import sys

from psycopg2.extensions import parse_dsn

from config.env import BadEnvironment, environment
from config.runtime.embedded import postgres_binary, servers_for_this_run


def main(program: str, *arguments: str) -> int:
    binary = postgres_binary(program)
    with servers_for_this_run():
        address = parse_dsn(environment().database_url)
        variables = {f"PG{name.upper()}": value for name, value in address.items() if name != "dbname"}
        return subprocess.run(
            [binary, *arguments], env=os.environ | variables | {"PGDATABASE": address["dbname"]}, check=False
        ).returncode


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise BadEnvironment("script/postgres takes a PostgreSQL program and its arguments, such as pg_dump -Fc.")
    sys.exit(main(*sys.argv[1:]))
