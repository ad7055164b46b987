"""The languages that articles and messages are written in: those that the field's affiliates speak, whatever the pages speak."""

from __future__ import annotations

import re

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


# Words that every few sentences of a language hold, those that it shares with few others.
_FREQUENT = {
    "en": (
        "the and is are was were what when where why how who my your our you we they it this that these have has had "
        "not of to for from with can could will would do does did please there been i'm don't"
    ),
    "de": (
        "der die das und ist sind war nicht ich wir ihr sie mein meine meinen unser ihre wo wann warum wie wer was ein "
        "eine einen auf für von mit zu bei noch schon bitte kann können wird wurde habe haben hat auch dass den dem"
    ),
    "es": (
        "el los las y es son estaba qué cuándo cuando dónde donde por porque cómo quién mi mis su nuestro que una para "
        "con está están tengo tiene hay pero todavía ya favor puede puedo del gracias"
    ),
    "fr": (
        "le les et est sont était quand où pourquoi comment qui mon mes votre notre nous vous ils une des du pour avec "
        "pas dans sur je j'ai ai avez c'est merci bonjour peut peux être encore ne mais cette"
    ),
    "id": (
        "yang dan di ini itu saya kami anda mereka dengan untuk dari tidak apa kapan mana bagaimana mengapa siapa bisa "
        "sudah belum ada akan pada juga tolong adalah ke"
    ),
    "it": (
        "il gli è sono era quando dove perché come chi mio mia miei vostro nostro che una per con non di della nel ho "
        "hai ha abbiamo può posso ancora già grazie ma questo questa"
    ),
    "nl": (
        "het een en is zijn was niet ik wij jullie mijn onze waar wanneer waarom hoe wie wat van voor met op dat deze "
        "nog al kan kunt wordt heb hebben heeft ook graag"
    ),
    "pt": (
        "os as e é são estava quando onde porque como quem meu meus minha seu nosso que uma para com não está estão "
        "tenho tem há mas ainda já pode posso do da dos obrigado você"
    ),
    "ru": (
        "и в не на что когда где почему как кто мой моя мои ваш наш я мы вы они это с по для из есть нет уже ещё еще "
        "можно могу был была были пожалуйста у"
    ),
    "tr": (
        "ve bir bu şu ne zaman nerede neden nasıl kim benim bizim sizin ben biz siz onlar için ile değil var yok mi mı "
        "da de olarak daha lütfen çok henüz"
    ),
}
_LANGUAGES_OF: dict[str, set[str]] = {}
for _code, _frequent in _FREQUENT.items():
    for _word in _frequent.split():
        _LANGUAGES_OF.setdefault(_word, set()).add(_code)
_A_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_READ = 1_000  # characters


def language_of(text: str, assumed: str = "") -> str:
    """The language that most of the frequent words of a text belong to, where two of them do at least; else the one assumed."""
    short = assumed.replace("_", "-").partition("-")[0].lower()[:10]
    seen = dict.fromkeys(_FREQUENT, 0)
    for word in set(_A_WORD.findall(text[:_READ].lower())):
        for code in _LANGUAGES_OF.get(word, ()):
            seen[code] += 1
    best = max(seen, key=lambda code: (seen[code], code == short))
    return best if seen[best] >= 2 else short
