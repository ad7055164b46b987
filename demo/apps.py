from django.apps import AppConfig
from django.conf import settings

from core.health import register_check


class DemoConfig(AppConfig):
    name = "demo"

    def ready(self) -> None:
        register_check("demo", _loading)


def _loading() -> str:
    """Wrong only where this start is to have the demo and it is not there yet."""
    from demo.models import LOADED, Chapter

    return "not loaded yet" if settings.DEMO and not Chapter.objects.filter(name=LOADED).exists() else ""
