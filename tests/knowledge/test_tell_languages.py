"""The language of a message: told by its frequent words, else assumed."""

import pytest

from knowledge.languages import language_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Where is my payment of March?", "en"),
        ("Wo ist meine Zahlung vom März?", "de"),
        ("¿Cuándo llega el pago? No está en mi cuenta", "es"),
        ("Quand est-ce que je reçois mon paiement ?", "fr"),
        ("Kapan pembayaran saya dan di mana itu?", "id"),
        ("Quando arriva il mio pagamento? Non è qui", "it"),
        ("Wanneer krijg ik mijn geld? Het is er nog niet", "nl"),
        ("Onde está o meu pagamento? Ainda não veio", "pt"),
        ("Где мои деньги и когда они будут?", "ru"),
        ("Ödeme ne zaman gelecek? Benim için çok önemli", "tr"),
    ],
)
def test_a_language_is_told_by_its_frequent_words_whatever_was_assumed(text, language):
    assert language_of(text, "vi") == language


@pytest.mark.parametrize(("assumed", "language"), [("de-AT", "de"), ("pt_BR", "pt"), ("vi", "vi"), ("", "")])
def test_a_text_that_tells_nothing_is_in_the_language_assumed(assumed, language):
    assert language_of("Payout 12.50 USD, tkt_4711", assumed) == language


def test_between_languages_that_tell_as_much_the_assumed_one_decides():
    assert language_of("una con", "it") == "it"
    assert language_of("una con", "es") == "es"
