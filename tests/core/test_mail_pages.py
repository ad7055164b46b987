import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import escape

from accounts.models import User
from affiliates.models import Function
from affiliates.services import invite_member
from core.mail import in_html, write_mail
from core.models import Mail
from payouts.services import set_payout_method
from tests.factories import make_affiliate, make_enrollment


@pytest.fixture
def mails(mara, nils, ana, books):
    """One mail about Ana (music), one about an affiliate of books, one that signs Ada in."""
    invite_member(ana, "fay@tributary.example", [Function.MARKETING], by=mara)
    other = make_affiliate("olga@tributary.example", "Olga")
    make_enrollment(other, books)
    invite_member(other, "olga@tributary.example", [Function.OWNER], by=nils)
    write_mail("ada@tributary.example", "accounts/mails/appointment", {"role": "Admin", "by": mara, "path": "/secret"})
    return {mail.to.split("@")[0]: mail for mail in Mail.objects.all()}


@pytest.mark.parametrize(
    ("who", "reads"),
    [("ada", {"fay", "olga", "ada"}), ("hana", {"fay", "olga"}), ("mara", {"fay"}), ("nils", {"olga"})],
)
def test_everybody_reads_the_mails_about_whom_they_may_see(request, as_person, mails, who, reads):
    browser = as_person(request.getfixturevalue(who))
    page = browser.get("/manage/mails/").content.decode()
    for name, mail in mails.items():
        assert (mail.to in page) == (name in reads)
        assert browser.get(f"/manage/mails/{mail.public_id}/").status_code == (200 if name in reads else 404)


def test_the_page_says_that_mails_are_kept(as_person, mara, mails, settings):
    browser = as_person(mara)
    assert "kept here and not sent" in browser.get("/manage/mails/").content.decode()
    settings.MAIL_SERVER = {"host": "mail.example"}
    assert "kept here and not sent" not in browser.get("/manage/mails/").content.decode()


def test_a_mails_html_stands_in_a_frame_that_may_do_nothing(as_person, ada):
    mail = Mail.objects.create(
        to="a@b.example", sender="x@y.example", subject="<b>Hi</b>", body="<script>alert(1)</script>", html="<script>2</script>"
    )
    answer = as_person(ada).get(f"/manage/mails/{mail.public_id}/")
    page = answer.content.decode()
    assert "script-src 'self';" in answer.headers["Content-Security-Policy"]
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page  # no scripts, no forms, another origin than ours
    assert escape("default-src 'none'; style-src 'unsafe-inline'; img-src data:") in page and escape(mail.html) in page
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>2" not in page


def test_as_many_queries_at_one_as_at_a_hundred_mails(as_person, mara, mails, django_assert_num_queries):
    browser = as_person(mara)
    browser.get("/manage/mails/")
    with CaptureQueriesContext(connection) as few:
        browser.get("/manage/mails/")
    subject = mails["fay"].about
    Mail.objects.bulk_create(
        Mail(to="a@b.example", sender="x@y.example", subject=f"Mail {n}", body="…", about=subject) for n in range(100)
    )
    with django_assert_num_queries(len(few)):
        browser.get("/manage/mails/")
    assert len(few) <= 12


def test_the_same_words_stand_in_html_with_one_button_to_our_own_address(mails, settings):
    mail = mails["fay"]
    link = next(line for line in mail.body.splitlines() if line.startswith("http"))
    assert mail.html.count("<a ") == 1
    assert f'<a href="{link}"' in mail.html and link.startswith(settings.BASE_URL)
    for line in filter(None, mail.body.splitlines()):
        assert escape(line) in mail.html


def test_nothing_that_somebody_wrote_becomes_markup_or_a_link(settings):
    page = in_html(
        "<i>Hello</i>", f"<b>x</b> & y\nhttps://evil.example/\n\nsee {settings.BASE_URL}/a b\n\n{settings.BASE_URL}.evil/"
    )
    assert "<b>" not in page and "<i>" not in page and "<a " not in page


def test_a_mail_tells_times_by_the_clock_of_whoever_reads_it(ana, mara):
    User.objects.filter(email=ana.email).update(time_zone="Asia/Manila")
    User.objects.filter(pk=mara.pk).update(time_zone="America/Lima")
    with timezone.override("America/Lima"):
        for address in ("old@ana.example", "new@ana.example"):
            set_payout_method(ana, by=mara, type="paypal", currency="USD", details={"email": address})
    mail = Mail.objects.filter(to=ana.email, subject="Your payout method was changed").get()
    assert "(+0800)" in mail.body
