"""Channels, quarantine, what did not leave, and contacts, as the team works with them."""

import pytest
from django.urls import reverse

from channels.models import Channel, Contact, InboundItem
from support.models import Message
from tests.channels.mails import mail
from tests.factories import make_affiliate
from tests.factories_support import make_channel, make_contact, make_inbound, make_outgoing
from tests.pages import assert_same_queries, text_of
from tests.servers.mail_servers import mailbox, smtp_sink

pytestmark = pytest.mark.django_db


@pytest.fixture
def channel(music):
    return make_channel(
        music, slug="help", name="Help", settings={"address": "help@music.example"}, secrets={"hook_secret": "the-secret"}
    )


def test_a_mailbox_is_connected_changed_and_paused_on_pages(as_person, ada, music):
    client = as_person(ada)
    form = {"name": "Help", "program": music.pk, "slug": "help", "address": "help@music.example"}
    made = client.post("/manage/channels/new/email/", form | {"imap_url": "imaps://u:s3cret@imap.example"})
    assert made["Location"] == "/manage/channels/help/"

    page = client.get("/manage/channels/help/").content.decode()
    assert "imaps://u@imap.example" in page
    assert "s3cret" not in page

    client.post("/manage/channels/help/edit/", {"name": "Support", "address": "help@music.example", "status": "paused"})
    channel = Channel.objects.get()
    assert (channel.name, channel.status) == ("Support", "paused")
    assert channel.read_secrets()["imap_url"] == "imaps://u:s3cret@imap.example"


def test_a_wrong_setting_stands_at_its_field(as_person, ada, music):
    form = {"name": "Help", "program": music.pk, "slug": "help", "address": "help@music.example", "imap_url": "https://x"}
    page = as_person(ada).post("/manage/channels/new/email/", form).content.decode()

    assert "imaps://user:password@" in page
    assert not Channel.objects.exists()


def test_the_connection_is_tested_in_both_directions(as_person, ada, channel):
    client = as_person(ada)
    with mailbox() as box, smtp_sink() as sink:
        channel.settings["polls"] = True
        channel.keep_secrets({"hook_secret": "x", "imap_url": box.url, "smtp_url": sink.url})
        channel.save()
        assert "It works" in client.post("/manage/channels/help/try/", follow=True).content.decode()
        channel.keep_secrets({"hook_secret": "x", "imap_url": box.url + "/Nowhere", "smtp_url": sink.url})
        channel.save()
        assert "no folder Nowhere" in client.post("/manage/channels/help/try/", follow=True).content.decode()


def test_what_is_wrong_is_shown_with_its_moment(as_person, mara, channel):
    Channel.objects.update(receive_error="Connection refused", receive_error_since="2026-01-02T10:00:00Z")
    client = as_person(mara)

    assert "Not working" in client.get("/manage/channels/").content.decode()
    assert "Connection refused" in client.get("/manage/channels/help/").content.decode()


def test_reconciliation_adds_up_on_its_page(as_person, mara, channel):
    first = make_inbound(channel, status="filed", filed_as="message:1")
    make_inbound(channel, status="duplicate", duplicate_of=first)
    make_inbound(channel, status="quarantined", reason="why")
    make_inbound(channel)

    words = text_of(as_person(mara).get("/manage/channels/reconciliation/"))
    assert "Help Music 3 1 1 1 1" in words


def test_a_quarantined_item_becomes_a_ticket_by_a_button(as_person, mara, channel, settings, tmp_path):
    settings.DATA_FOLDER = tmp_path
    raw = mail("Where is my money?", From="somebody")
    item = make_inbound(channel, raw, status="quarantined", reason="It names no sender.", sender="somebody", subject="A question")
    client = as_person(mara)

    assert "It names no sender." in client.get("/manage/quarantine/").content.decode()
    page = client.get(f"/manage/quarantine/{item.public_id}/").content.decode()
    assert "Where is my money?" in page

    form = {"value": "ana@blog.example", "subject": "A question", "text": "Where is my money?"}
    client.post(f"/manage/quarantine/{item.public_id}/", form)

    message = Message.objects.get()
    item.refresh_from_db()
    assert (item.status, item.filed_as, message.inbound) == ("filed", f"message:{message.pk}", item)
    assert message.ticket.contact.addresses.get().value == "ana@blog.example"
    assert message.attachments.get().name == f"{item.public_id}.eml"


def test_a_quarantined_item_is_tried_again_or_set_aside(as_person, mara, channel):
    good = make_inbound(channel, mail("Hello"), status="quarantined", reason="The disk was full.")
    spam = make_inbound(channel, b"spam", status="quarantined", reason="No sender.")
    client = as_person(mara)

    client.post(f"/manage/quarantine/{good.public_id}/retry/")
    client.post(f"/manage/quarantine/{spam.public_id}/retry/")
    client.post("/manage/quarantine/set-aside/", {"selected": spam.pk})

    good.refresh_from_db()
    spam.refresh_from_db()
    assert (good.status, spam.status) == ("filed", "quarantined")
    assert InboundItem.objects.get(dismissed_by=mara) == spam
    assert "No sender." not in client.get("/manage/quarantine/").content.decode()


def test_raw_bytes_are_a_download_that_nothing_runs(as_person, mara, channel):
    item = make_inbound(channel, b"<script>alert(1)</script>", status="quarantined", reason="why")
    answer = as_person(mara).get(f"/manage/quarantine/{item.public_id}/raw/")

    assert answer.content == b"<script>alert(1)</script>"
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer["Content-Security-Policy"]


@pytest.mark.parametrize(("decision", "status"), [("arrived", "sent"), ("again", "queued"), ("never", "cancelled")])
def test_a_person_decides_what_became_of_a_message(as_person, mara, channel, decision, status):
    row = make_outgoing(channel, status="unknown", error="cut off")
    client = as_person(mara)
    assert "cut off" in client.get("/manage/undelivered/").content.decode()
    assert "It may have arrived" in client.get(f"/manage/undelivered/{row.public_id}/").content.decode()

    client.post(f"/manage/undelivered/{row.public_id}/decide/", {"decision": decision})

    row.refresh_from_db()
    assert row.status == status


def test_a_contact_is_matched_and_untied_with_the_reason(as_person, mara, music, ana):
    contact = make_contact(email="someone@blog.example", name="Someone")
    contact.programs.add(music)
    client = as_person(mara)

    client.post(f"/manage/contacts/{contact.public_id}/", {"affiliate": ana.public_id, "reason": "She called."})
    assert Contact.objects.get().affiliate == ana
    client.post(f"/manage/contacts/{contact.public_id}/unmatch/", {"what": "wrong", "reason": "It was her sister."})

    assert Contact.objects.get().affiliate is None
    page = client.get(f"/manage/contacts/{contact.public_id}/").content.decode()
    assert "She called." in page
    assert "It was her sister." in page


def test_a_secret_is_on_a_page_of_its_own_for_those_who_connect(as_person, ada, mara, channel):
    assert "the-secret" in as_person(ada).get("/manage/channels/help/secret/").content.decode()
    assert as_person(mara).get("/manage/channels/help/secret/").status_code == 403
    assert "the-secret" not in as_person(ada).get("/manage/channels/help/").content.decode()


@pytest.mark.parametrize("name", ["channel_list", "reconciliation", "quarantine_list", "outgoing_list", "contact_list"])
def test_pages_of_lists_ask_the_same_number_of_questions(as_person, mara, music, name):
    def add():
        channel = make_channel(music)
        make_inbound(channel, status="quarantined", reason="why")
        make_outgoing(channel, status="failed")
        make_contact(make_affiliate()).programs.add(music)

    add()
    assert_same_queries(as_person(mara), reverse(f"manage:{name}"), add, most=14)
