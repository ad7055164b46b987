import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.tokens import make_message_id, make_reply_address, make_token, tickets_in
from core.ids import encode_id

TICKET = encode_id("tkt", 4711)


@given(st.integers(1, 2**63 - 1))
def test_every_ticket_is_found_again_whatever_case_a_server_makes_of_it(pk):
    ticket = encode_id("tkt", pk)
    address = make_reply_address(ticket, "help@music.example")

    assert len(address.partition("@")[0]) <= 64
    assert tickets_in([address]) == tickets_in([address.upper()]) == [ticket]


def test_the_message_id_and_the_reply_address_lead_to_the_ticket():
    message_id = make_message_id(TICKET, encode_id("msg", 9), "help@music.example")

    assert message_id.endswith("@music.example")
    assert tickets_in([f"<{message_id}>", "Help <" + make_reply_address(TICKET, "help+old@music.example") + ">"]) == [TICKET]
    assert make_reply_address(TICKET, "help+old@music.example").count("+") == 1


@pytest.mark.parametrize("spoil", ["other number", "cut", "prefix alone", "words"])
def test_what_we_did_not_sign_counts_for_nothing(spoil):
    token = make_token(TICKET)
    other = make_token(encode_id("tkt", 4712))
    forged = {
        "other number": token[:6] + other[6:] if other[6:] != token[6:] else "trb" + "a" * 20,
        "cut": token[:-1],
        "prefix alone": "trb",
        "words": "trbcontributions and tributaries",
    }[spoil]

    assert TICKET not in tickets_in([forged])


def test_a_former_secret_still_reads_what_it_signed(settings):
    token = make_token(TICKET)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another"

    assert tickets_in([token]) == [TICKET]
    settings.SECRET_KEY_FALLBACKS = []
    assert tickets_in([token]) == []
