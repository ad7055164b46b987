"""A macro over the API: its own words for the affiliate of the ticket, or a refusal that names what is missing."""

import pytest

from support.models import Message
from tests.factories_knowledge import make_macro
from tests.factories_support import make_channel, make_ticket

pytestmark = pytest.mark.django_db


def test_a_macro_is_sent_in_its_own_words_or_refused_with_what_is_missing(mara_api, music, books, ana):
    ticket = make_ticket(ana, channel=make_channel(music, "portal"))
    make_macro(music, name="Welcome")
    make_macro(music, "Your {{link}}", name="Link")
    make_macro(books, name="Theirs")
    path = f"tickets/{ticket.public_id}/messages"

    assert mara_api.post(path, {"body": "", "macro": "Welcome"}).json()["body_text"] == "Hello Ana."
    assert mara_api.post(path, {"body": "Hi Ana.", "macro": "Welcome"}).json()["body_text"] == "Hi Ana."
    refused = mara_api.post(path, {"body": "", "macro": "Link"})
    assert refused.status_code == 400
    assert "link" in refused.json()["errors"][0]["message"]
    assert mara_api.post(path, {"body": "", "macro": "Theirs"}).status_code == 400
    assert mara_api.post(path, {"body": ""}).status_code == 400
    assert Message.objects.filter(direction="out").count() == 2
