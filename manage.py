#!/usr/bin/env python
"""Django's command line, with the embedded servers at hand where none are configured."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    from config.runtime.embedded import servers_for_this_run

    with servers_for_this_run():
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
