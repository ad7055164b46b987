"""`script/test` after the set-up: every check under its heading, then the tests, whose closing line comes last.

A failed check is named before the tests begin and makes the whole fail; it stops nothing, so that one run tells everything.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile

from config.env import CHECKOUT

PRODUCTION = {
    "BASE_URL": "https://affiliates.example.com",
    "CLICK_BASE_URL": "https://go.example.com",
    "SECRET_KEY": "for-the-check-alone-" + "4fJ8wQx2Lr7Nz5Tb9Vd1Kc6Hm3Gp0Ys" * 2,
    "DEBUG": "0",
}
CHECKS: list[tuple[str, list[str], dict[str, str]]] = [
    ("Lint", ["-m", "ruff", "check", "--quiet", "."], {}),
    ("Format", ["-m", "ruff", "format", "--check", "--quiet", "."], {}),
    ("Types", ["-m", "mypy"], {}),
    ("Templates", ["-m", "djlint", "--lint", "--quiet", "templates"], {}),
    ("Floors", ["-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-logo"], {}),
    ("Migrations", ["-m", "manage", "makemigrations", "--check", "--dry-run"], {}),
    ("Translations", ["-m", "config.runtime.translations"], {}),
    ("Deployment", ["-m", "manage", "check", "--deploy", "--fail-level", "WARNING"], PRODUCTION),
]
# What the caller's environment says about servers is not for checks and tests.
CALLERS_OWN = (
    "DATABASE_URL",
    "REDIS_URL",
    "BASE_URL",
    "CLICK_BASE_URL",
    "EMAIL_URL",
    "SECRET_KEY",
    "SECRET_KEY_FALLBACKS",
    "DEBUG",
    "PORT",
    "CLICK_PORT",
    "DJANGO_SETTINGS_MODULE",
)
DESELECTED = "Chromium is not installed: the browser tests are deselected."


def main(arguments: list[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for name in (*CALLERS_OWN, "PYTHONDONTWRITEBYTECODE"):  # what is compiled serves the fifty processes that are to come
        os.environ.pop(name, None)
    failed = run_checks()
    heading("Tests")
    if failed:
        print(f"FAILED before the tests: {', '.join(failed)}", flush=True)
    if not chromium():
        if os.environ.get("CI"):
            print("In CI nothing is skipped, and Chromium is missing.", flush=True)
            failed.append("Chromium")
        else:
            print(DESELECTED, flush=True)
    tests = subprocess.run(python(["-m", "pytest", "-n", "2", *arguments]), check=False, cwd=CHECKOUT)
    return tests.returncode or (1 if failed else 0)


def run_checks() -> list[str]:
    """The names of the checks that failed. They run on embedded servers of their own, which leave nothing behind."""
    from config.runtime.embedded import servers_for_this_run

    failed = []
    with tempfile.TemporaryDirectory(prefix="trb-check-", dir="/tmp") as data:
        os.environ["TRIBUTARY_DATA"] = data
        with servers_for_this_run():
            for name, words, environ in CHECKS:
                heading(name)
                if subprocess.run(python(words), check=False, cwd=CHECKOUT, env=os.environ | environ).returncode != 0:
                    failed.append(name)
                    print(f"{name}: FAILED", flush=True)
    del os.environ["TRIBUTARY_DATA"]
    return failed


def python(words: list[str]) -> list[str]:
    return [sys.executable, *words]


def chromium() -> str | None:
    """Debian's Chromium, which the browser tests drive."""
    return shutil.which("chromium")


def heading(text: str) -> None:
    print(f"\n== {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
