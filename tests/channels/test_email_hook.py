import pytest
from django.test import Client

from channels import files
from channels.models import Channel, Contact, InboundItem
from channels.services import change_channel, create_channel
from support.models import Message
from tests.channels.mails import mail, with_file


@pytest.fixture
def channel(music, ada):
    settings = {"address": "help@music.example"}
    return create_channel(by=ada, kind="email", name="Help", slug="help", program=music, settings=settings)


@pytest.fixture
def hand_over(channel):
    def post(raw: bytes, secret: str = channel.read_secrets()["hook_secret"], slug: str = "help"):
        return Client().generic("POST", f"/hooks/email/{slug}", raw, "message/rfc822", headers={"X-Hook-Secret": secret})

    return post


def test_a_mail_becomes_a_message_of_a_ticket(hand_over):
    answer = hand_over(mail("Where is my money?"))

    message = Message.objects.get()
    assert answer.status_code == 202
    assert answer.json() == {"status": "filed", "ticket": message.ticket.public_id, "message": message.public_id}
    assert (message.body_text, message.ticket.subject) == ("Where is my money?", "A question")


def test_the_same_mail_again_is_a_duplicate_of_the_same_message(hand_over):
    first = hand_over(mail("Where is my money?")).json()

    again = hand_over(b"Received: once more\n" + mail("Where is my money?"))

    assert (again.status_code, again.json()) == (202, {**first, "status": "duplicate"})
    assert Message.objects.count() == 1


def test_another_mail_under_the_same_id_is_a_message_of_its_own(hand_over):
    hand_over(mail("Where is my money?"))

    assert hand_over(mail("Something else", From="Bao <bao@video.example>")).json()["status"] == "filed"
    assert Message.objects.count() == 2


def test_what_cannot_be_filed_is_kept_for_a_person(hand_over):
    answer = hand_over(b"\x00\xff no mail at all")

    assert (answer.status_code, answer.json()) == (202, {"status": "quarantined", "ticket": None, "message": None})
    item = InboundItem.objects.get()
    assert bytes(item.raw) == b"\x00\xff no mail at all"
    assert "no sender" in item.reason


def test_only_who_knows_the_secret_hands_mails_over(hand_over):
    assert hand_over(mail(), secret="").status_code == 401
    assert hand_over(mail(), secret="wrong").status_code == 401
    assert hand_over(mail(), slug="elsewhere").status_code == 404
    assert Client().get("/hooks/email/help").status_code == 405
    assert not InboundItem.objects.exists()


def test_what_is_too_large_or_nothing_is_refused(hand_over, monkeypatch):
    monkeypatch.setattr("channels.views.hooks.MOST_BYTES", 100)

    assert hand_over(mail("x" * 200)).status_code == 413
    assert hand_over(b" \n").status_code == 400
    assert not InboundItem.objects.exists()


def test_a_large_mail_with_a_file_is_taken(hand_over, settings, tmp_path):
    settings.DATA_FOLDER = tmp_path
    content = b"0123456789" * 400_000  # beyond what Django reads into memory by itself

    assert hand_over(with_file("numbers.csv", content)).json()["status"] == "filed"

    attachment = Message.objects.get().attachments.get()
    assert attachment.name == "numbers.csv"
    assert files.read_file(attachment.file) == content


def test_a_closed_channel_takes_nothing_a_paused_one_everything(hand_over, channel):
    channel.status = "paused"
    channel.save()
    assert hand_over(mail()).json()["status"] == "filed"
    channel.status = "closed"
    channel.save()
    assert hand_over(mail("more")).status_code == 404


def test_an_unknown_sender_is_nobodys_affiliate(hand_over):
    hand_over(mail())

    contact = Contact.objects.get()
    assert (contact.affiliate, str(contact)) == (None, "Ana")
    assert Message.objects.get().ticket.contact == contact


def test_after_a_change_of_the_key_mails_are_still_taken_and_the_page_says_what_is_locked(
    hand_over, channel, settings, as_person, ada
):
    settings.SECRET_KEY = "another"

    assert hand_over(mail()).json()["status"] == "filed"
    assert "SECRET_KEY has changed" in as_person(ada).get("/manage/channels/help/").content.decode()
    assert "SECRET_KEY has changed" in as_person(ada).get("/manage/channels/help/secret/").content.decode()


def test_where_nobody_can_tell_the_secret_it_says_so_to_both_sides(hand_over, channel, settings, ada):
    Channel.objects.update(hook_secret_hash="")  # as it was made before there were any
    assert hand_over(mail()).status_code == 202
    settings.SECRET_KEY = "another"

    answer = hand_over(mail("more"))

    assert (answer.status_code, "SECRET_KEY has changed" in answer.json()["reason"]) == (503, True)
    channel.refresh_from_db()
    assert "SECRET_KEY has changed" in channel.receive_error
    change_channel(channel, by=ada, settings={"address": "help@music.example"})
    channel.refresh_from_db()
    assert hand_over(mail("more"), secret=channel.read_secrets()["hook_secret"]).status_code == 202
