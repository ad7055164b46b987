import pytest

from channels.models import Channel
from tests.api.client import errors
from tests.factories_support import make_channel, make_inbound

pytestmark = pytest.mark.django_db
MAILBOX = {"kind": "email", "name": "Help", "slug": "help", "program": "music", "settings": {"address": "help@music.example"}}


def test_a_mailbox_is_connected_and_its_secret_told_once(ada_api, music, settings):
    made = ada_api.post("channels", MAILBOX, once="one")

    assert made.status_code == 201
    channel = made.json()
    assert channel["hook_url"] == f"{settings.BASE_URL}/hooks/email/help"
    assert channel["secret"] == Channel.objects.get().read_secrets()["hook_secret"]
    assert channel["program"] == music.public_id

    again = ada_api.post("channels", MAILBOX, once="one").json()
    assert (again["id"], again["secret"]) == (channel["id"], None)
    assert ada_api.get("channels/help").json() == {**channel, "secret": None}
    assert ada_api.get("channels", kind="email").json()["results"] == [{**channel, "secret": None}]


def test_what_opens_a_mailbox_is_never_shown(ada_api, music):
    servers = {"imap_url": "imaps://help:s3cret@imap.music.example", "smtp_url": "smtps://help:s3cret@smtp.music.example"}
    answer = ada_api.post("channels", {**MAILBOX, "settings": {**MAILBOX["settings"], **servers}})

    assert "s3cret" not in answer.content.decode()
    assert answer.json()["settings"]["imap_url"] == "imaps://help@imap.music.example"
    channel = Channel.objects.get()
    assert b"s3cret" not in bytes(channel.secrets)
    assert channel.read_secrets()["smtp_url"] == servers["smtp_url"]

    ada_api.patch("channels/help", {"settings": {"sender_name": "Music partners"}})
    assert Channel.objects.get().read_secrets()["smtp_url"] == servers["smtp_url"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"settings": {}}, "address"),
        ({"settings": {"address": "not an address"}}, "address"),
        ({"settings": {"address": "help+more@music.example"}}, "address"),
        ({"settings": {"address": "help@music.example", "imap_url": "https://imap"}}, "imap_url"),
        ({"settings": {"address": "help@music.example", "smtp_url": 5}}, "smtp_url"),
        ({"settings": {"address": "help@music.example", "colour": "red"}}, "settings"),
        ({"kind": "pigeon"}, "kind"),
        ({"slug": "a b"}, "slug"),
        ({"kind": "phone", "settings": {"number": "123"}}, "number"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_each_wrong_setting_is_named(ada_api, music, wrong, field):
    answer = ada_api.post("channels", MAILBOX | wrong)

    assert answer.status_code == 400
    assert {name for name, _code in errors(answer)} == {field}
    assert not Channel.objects.exists()


def test_taken_names_and_addresses_are_conflicts(ada_api, music):
    ada_api.post("channels", MAILBOX)

    same_slug = ada_api.post("channels", MAILBOX | {"settings": {"address": "other@music.example"}})
    same_address = ada_api.post("channels", MAILBOX | {"slug": "other", "settings": {"address": "Help@music.example"}})

    assert (same_slug.status_code, errors(same_slug)) == (409, [("slug", "taken")])
    assert (same_address.status_code, errors(same_address)) == (409, [("address", "taken")])


def test_received_is_the_sum_of_what_became_of_it(ada_api, mara_api, music):
    channel = make_channel(music, slug="help")
    first = make_inbound(channel, status="filed", filed_as="message:1")
    make_inbound(channel, status="quarantined", reason="why")
    make_inbound(channel, status="duplicate", duplicate_of=first)
    make_inbound(channel)  # somebody is working on it

    expected = {"received": 3, "filed": 1, "duplicate": 1, "quarantined": 1}
    assert mara_api.get("channels/help/reconciliation").json() == expected
    assert ada_api.get(f"channels/{channel.public_id}/reconciliation").json() == expected


def test_channels_of_other_programs_look_absent(mara_api, books):
    make_channel(books, slug="theirs")

    assert mara_api.get("channels/theirs").status_code == 404
    assert mara_api.get("channels/theirs/reconciliation").status_code == 404
    assert mara_api.get("channels").json()["results"] == []


def test_managers_see_channels_and_do_not_connect_them(mara_api, music):
    assert mara_api.post("channels", MAILBOX).status_code == 403
