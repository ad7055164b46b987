"""Through which doors each program is reached: told by whoever knows the channels, which stand above this app."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

Doors = dict[int, set[str]]  # program -> kinds of channels, as `team.models.Door` names them
_providers: list[Callable[[Collection[int]], Doors]] = []


def register_doors(provider: Callable[[Collection[int]], Doors]) -> None:
    """`provider` takes programs and tells the doors of each that are open now, in one query."""
    if provider not in _providers:
        _providers.append(provider)


def doors_of(programs: Iterable[int]) -> Doors:
    """The open doors of each program; one that nobody tells of has none."""
    wanted = sorted(set(programs))
    found: Doors = {program: set() for program in wanted}
    for provider in _providers:
        for program, doors in provider(wanted).items():
            found.setdefault(program, set()).update(doors)
    return found
