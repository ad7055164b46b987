import pytest

from affiliates.models import Affiliate
from affiliates.services import change_enrollments
from core.models import Mail
from programs.services import publish_terms
from tests.factories import mails_to, make_offer, make_program, make_rule
from tests.pages import assert_same_queries, text_of

GIVEN = {
    "name": "Fay",
    "email": "fay@tributary.example",
    "kind": "blog",
    "country": "FR",
    "website": "fay.example/records",
    "pitch": "I write about records.",
    "nickname": "",
}


def test_an_application_waits_for_a_decision_and_is_answered_by_mail(client, music):
    answer = client.post("/apply/music/", GIVEN, follow=True)

    assert "Thank you" in text_of(answer)
    fay = Affiliate.objects.get()
    enrollment = fay.enrollments.get()
    assert (fay.website, enrollment.status, enrollment.pitch) == (
        "https://fay.example/records",
        "pending",
        "I write about records.",
    )
    assert len(mails_to("fay@tributary.example")) == 1


def test_a_known_address_gets_the_same_answer_and_keeps_its_profile(client, music, ana):
    known = client.post("/apply/music/", GIVEN | {"email": "ANA@tributary.example", "name": "Not Ana"}, follow=True)
    unknown = client.post("/apply/music/", GIVEN, follow=True)

    assert text_of(known) == text_of(unknown)
    ana.refresh_from_db()
    assert ana.name == "Ana"
    assert ana.enrollments.get().status == "approved"


def test_what_fills_in_everything_is_thanked_and_forgotten(client, music):
    answer = client.post("/apply/music/", GIVEN | {"nickname": "bot"}, follow=True)

    assert "Thank you" in text_of(answer)
    assert not Affiliate.objects.exists()
    assert not Mail.objects.exists()


def test_what_is_missing_is_told_at_its_field(client, music):
    answer = client.post("/apply/music/", GIVEN | {"email": "fay", "pitch": ""})

    assert "Enter a valid email address" in text_of(answer)
    assert "This field is required" in text_of(answer)
    assert not Affiliate.objects.exists()


def test_terms_are_agreed_to_where_there_are_some_and_the_version_is_kept(client, hana, music):
    publish_terms(music, "No bidding on the brand.", by=hana)

    page = client.get("/apply/music/")
    assert "No bidding on the brand." in text_of(page)
    assert 'name="version" value="1"' in page.content.decode()
    client.post("/apply/music/", GIVEN | {"version": "1"})
    assert not Affiliate.objects.exists()
    client.post("/apply/music/", GIVEN | {"terms": "on", "version": "1"})

    enrollment = Affiliate.objects.get().enrollments.get()
    assert enrollment.terms.number == 1
    assert enrollment.terms_at == enrollment.status_at


@pytest.mark.parametrize("version", ["1", "", "99", "x", "3.0", "-1"])
def test_terms_that_changed_while_somebody_wrote_are_read_once_more(client, hana, music, version):
    publish_terms(music, "No bidding on the brand.", by=hana)
    publish_terms(music, "No bidding, and no pop-ups.", by=hana)

    page = client.post("/apply/music/", GIVEN | {"terms": "on", "version": version})

    assert "Read them once more" in text_of(page)
    assert 'name="version" value="2"' in page.content.decode()
    assert not Affiliate.objects.exists()


def test_who_applies_again_agrees_again(client, hana, music):
    publish_terms(music, "One", by=hana)
    client.post("/apply/music/", GIVEN | {"terms": "on", "version": "1"})
    enrollment = Affiliate.objects.get().enrollments.get()
    change_enrollments(music.enrollments.all(), "rejected", by=hana, reason="Too small")
    publish_terms(music, "Two", by=hana)

    client.post("/apply/music/", GIVEN | {"terms": "on", "version": "2"})

    enrollment.refresh_from_db()
    assert (enrollment.status, enrollment.terms.number) == ("pending", 2)


@pytest.mark.parametrize("changes", [{"public": False}, {"status": "paused"}, {"status": "closed"}])
def test_programs_that_are_not_open_are_not_there(client, db, changes):
    make_program("music", **changes)

    for url in ("/apply/music/", "/programs/music/", "/apply/music/thanks/"):
        assert client.get(url).status_code == 404
    assert client.post("/apply/music/", GIVEN).status_code == 404
    assert "No program takes applications" in text_of(client.get("/"))


def test_the_only_program_stands_on_the_first_page_with_what_it_pays(client, music, music_offer):
    make_rule(music, value="12.5")
    make_rule(music, event="lead", type="flat", value="3")

    text = text_of(client.get("/"))
    assert "Music" in text
    assert "12.5% of every sale" in text
    assert "$3.00 for every lead" in text
    assert "/apply/music/" in client.get("/").content.decode()


def test_rates_that_are_agreed_with_one_affiliate_are_not_public(client, music, music_offer, ana):
    make_rule(music, value="10")
    make_rule(music, value="33", affiliate=ana)

    assert "33" not in text_of(client.get("/"))


def test_several_programs_are_listed_in_as_many_queries_as_two(client, db):
    def add(number: int = 20) -> None:
        for _n in range(number):
            program = make_program()
            make_offer(program)
            make_rule(program, value="10")

    add(2)
    assert text_of(client.get("/")).count("10% of every sale") == 2
    assert_same_queries(client, "/", add)


def test_whoever_is_signed_in_finds_their_place(as_person, mara, ana, music):
    assert 'href="/manage/"' in as_person(mara).get("/").content.decode()
    assert 'href="/portal/"' in as_person(ana).get("/").content.decode()


def test_applications_in_anybodys_name_come_to_an_end(client, music):
    """Each one sends a mail: nobody's mailbox is flooded through this page."""
    for _ in range(5):
        assert client.post("/apply/music/", GIVEN).status_code == 302
    answer = client.post("/apply/music/", GIVEN)
    assert answer.status_code == 429
    assert "Wait a few minutes" in answer.content.decode()
    assert len(mails_to(GIVEN["email"])) == 5


def test_what_a_stranger_writes_into_a_name_is_not_mailed_to_another(client, music):
    client.post("/apply/music/", GIVEN | {"name": "You won. Go to\nhttps://evil.example/ now"})
    mail = mails_to(GIVEN["email"])[0]
    assert "evil.example" not in mail.body + mail.html
    assert Affiliate.objects.get().name == "You won. Go to https://evil.example/ now"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("name", "   "), ("name", "x" * 161), ("name", "a\x00b"), ("email", "nobody"), ("email", "a@b.example\nBcc: c@d.example"),
        ("email", f"{'x' * 300}@tributary.example"), ("kind", "spam"), ("country", "XX"), ("country", "<b>"), ("website", "javascript:alert(1)"),
        ("website", "https://" + "x" * 600 + ".example"), ("pitch", ""), ("pitch", "x" * 4001), ("pitch", "\x00"),
    ],
)  # fmt: skip
def test_what_cannot_be_right_is_told_and_nothing_is_kept(client, music, field, value):
    answer = client.post("/apply/music/", GIVEN | {field: value})

    assert f'id="id_{field}_error"' in answer.content.decode()
    assert not Affiliate.objects.exists() and not Mail.objects.exists()


def test_markup_in_an_application_stays_text(client, as_person, hana, music):
    client.post("/apply/music/", GIVEN | {"name": "<img src=x onerror=alert(1)>", "pitch": "<script>alert(2)</script>"})

    for path in ("/manage/enrollments/", "/manage/affiliates/", f"/manage/affiliates/{Affiliate.objects.get().public_id}/"):
        page = as_person(hana).get(path).content.decode()
        assert "<img src=x" not in page and "<script>alert" not in page
    assert "&lt;img src=x" in page
