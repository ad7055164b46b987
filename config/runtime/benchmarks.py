"""`script/bench [NAME]` after the set-up: runs `benchmarks/NAME.py`, or all of them, each on fresh embedded servers of its own.

A benchmark is a module with a `main()` that prints its ratios and returns an exit status, if not 0. Django is set up and the
database migrated when it is called. With BENCH_DATA, a folder, what it has filled the database with is kept there, and it starts
from that the next time.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from contextlib import nullcontext

from config.env import CHECKOUT, BadEnvironment
from config.runtime.checks import heading


def main(arguments: list[str]) -> None:
    names = sorted(path.stem for path in (CHECKOUT / "benchmarks").glob("*.py") if not path.stem.startswith("_"))
    wanted = arguments or names
    unknown = [name for name in wanted if name not in names]
    if unknown:
        raise BadEnvironment(f"there is no benchmark {' or '.join(unknown)}; there are: {', '.join(names)}.")
    if len(wanted) == 1:
        sys.exit(run(wanted[0]))
    import subprocess

    failed = [name for name in wanted if subprocess.run([sys.executable, "-m", __spec__.name, name], check=False).returncode != 0]
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def run(name: str) -> int:
    """One benchmark in this process, whose settings are read once."""
    heading(name)
    kept = os.environ.get("BENCH_DATA")
    with nullcontext(kept) if kept else tempfile.TemporaryDirectory(prefix="trb-bench-", dir="/tmp") as data:
        os.environ["TRIBUTARY_DATA"] = data
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        for variable in ("DATABASE_URL", "REDIS_URL"):
            os.environ.pop(variable, None)
        from config.runtime.embedded import servers_for_this_run

        with servers_for_this_run():
            import django

            django.setup()
            from config.runtime.prepare import collect_static, migrate

            migrate()
            collect_static()
            return importlib.import_module(f"benchmarks.{name}").main() or 0


if __name__ == "__main__":
    main(sys.argv[1:])
