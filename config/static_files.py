"""Of the front-end packages, only what pages load is collected: the rest is unused weight, and refers to files it does not bring."""

from collections.abc import Iterator
from fnmatch import fnmatch
from typing import Any

from django.contrib.staticfiles.finders import FileSystemFinder

LOADED = ("tabler/tabler.min.css*", "inter/wght.css", "inter/files/*-wght-normal.woff2", "chart/chart.umd.min.js*")


class OurFilesFinder(FileSystemFinder):
    """`STATICFILES_DIRS`: all files of those without a prefix, the listed ones of packages."""

    def list(self, ignore_patterns: Any) -> Iterator[Any]:
        for path, storage in super().list(ignore_patterns):
            prefix = getattr(storage, "prefix", "")
            if not prefix or any(fnmatch(f"{prefix}/{path}", pattern) for pattern in LOADED):
                yield path, storage
