"""The languages that articles are written in: those that the field's affiliates speak, whatever the pages themselves speak."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

# Each with PostgreSQL's text search configuration: "simple" where it has none for the language (words are found as written).
_LANGUAGES = {
    "en": (_("English"), "english"),
    "de": (_("German"), "german"),
    "es": (_("Spanish"), "spanish"),
    "fr": (_("French"), "french"),
    "id": (_("Indonesian"), "indonesian"),
    "it": (_("Italian"), "italian"),
    "nl": (_("Dutch"), "dutch"),
    "pl": (_("Polish"), "simple"),
    "pt": (_("Portuguese"), "portuguese"),
    "ru": (_("Russian"), "russian"),
    "th": (_("Thai"), "simple"),
    "tr": (_("Turkish"), "turkish"),
    "uk": (_("Ukrainian"), "simple"),
    "vi": (_("Vietnamese"), "simple"),
    "zh": (_("Chinese"), "simple"),
}
CHOICES = [(code, label) for code, (label, _config) in _LANGUAGES.items()]
CONFIGURATIONS = {code: config for code, (_label, config) in _LANGUAGES.items()}


def known_language(code: str) -> str:
    """ "de" of "de-AT"; English where the language is not known here."""
    short = code.replace("_", "-").partition("-")[0].lower()
    return short if short in CONFIGURATIONS else "en"
