"""What pages load is collected, and what is collected refers only to what is collected."""

import re

from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.templatetags.static import static

from config.env import CHECKOUT


def collected() -> dict[str, object]:
    found = {}
    for finder in get_finders():
        for path, storage in finder.list([]):
            prefix = getattr(storage, "prefix", None)
            found.setdefault(f"{prefix}/{path}" if prefix else path, storage.path(path))
    return found


def test_every_file_that_a_template_names_is_collected():
    names = {
        name
        for template in (CHECKOUT / "templates").rglob("*.html")
        for name in re.findall(r"""{% static ["']([^"'{]+)["']""", template.read_text())
    }
    assert "tributary.css" in names
    assert names - set(collected()) == set()


def test_they_are_collected_under_names_that_can_be_kept_for_good(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    }

    call_command("collectstatic", verbosity=0, interactive=False)  # refuses a reference to what is not there

    assert re.fullmatch(r"/static/tributary\.[0-9a-f]{12}\.css", static("tributary.css"))
    assert (tmp_path / static("tributary.css").removeprefix("/static/")).exists()
