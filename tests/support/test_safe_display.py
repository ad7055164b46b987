"""What strangers send, looked at: nothing of it runs, loads, submits or leaves its frame."""

import re
import time
from base64 import b64encode
from pathlib import Path

import pytest
from django.conf import settings

from channels.files import keep_file
from support.display import clean_html, shown_text
from tests.factories_support import make_attachment, make_channel, make_inbound, make_message, make_ticket

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 16
GONE = [
    '<script>alert(1)</script>',
    '<svg onload=alert(1)><script>alert(1)</script></svg>',
    '<svg><animate onbegin=alert(1) attributeName=x></svg>',
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
    '<math><mi//xlink:href="data:x,<script>alert(1)</script>">',
    '<form action="https://evil.example"><input name=p><button>send</button></form>',
    '<meta http-equiv="refresh" content="0;url=https://evil.example">',
    '<base href="https://evil.example/">',
    '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    '<object data="https://evil.example/x.swf"></object><embed src="https://evil.example/x.swf">',
    '<link rel=stylesheet href="https://evil.example/x.css"><style>@import "https://evil.example/x.css";</style>',
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    '<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>',
    '<svg></p><style><a id="</style><img src=1 onerror=alert(1)>">',
    '<template><img src=x onerror=alert(1)></template>',
    '<select><style></select><img src=x onerror=alert(1)></style>',
    '<img src=x onerror=alert(1) srcset="https://evil.example/2x 2x">',
    '<video src="https://evil.example/a.mp4" poster="https://evil.example/p.png" autoplay></video>',
    '<a href="javascript:alert(1)">x</a><a href="JaVa&#x09;script:alert(1)">x</a><a href=" &#14;javascript:alert(1)">x</a>',
    '<a href="data:text/html,<script>alert(1)</script>">x</a><a href="vbscript:x">x</a><a href="file:///etc/passwd">x</a>',
    '<img src="data:image/svg+xml,<svg onload=alert(1)>"><img src="data:text/html,x">',
    '<div style="background:url(https://evil.example/t.png);position:fixed;width:expression(alert(1))">x</div>',
    '<div style="background-image:\\75rl(https://evil.example/t.png)">x</div>',
    '<div style="list-style-image:url(https://evil.example/t.png);content:url(https://evil.example/t.png)">x</div>',
    '<td background="https://evil.example/t.png">x</td><table background="https://evil.example/t.png"><tr><td>x</table>',
    '<img src="//evil.example/t.gif"><img src="/portal/money/"><a href="/accounts/logout/">x</a>',
    '<p onclick="alert(1)" id=x name=y class=z formaction="javascript:1">x</p>',
]  # fmt: skip
NEVER = [
    "<script", "alert(", "onerror", "onload", "onclick", "<svg", "<math", "<style", "<form", "<input", "<button", "<iframe", "<meta",
    "<base", "<link", "<object", "<embed", "<video", "<template", "javascript", "vbscript", "evil.example", "url(", "expression",
    "srcset", "data:text", "svg+xml", "file:", "/portal/", "/accounts/", "position", " id=", " class=",
]  # fmt: skip


@pytest.mark.parametrize("html", GONE, ids=range(len(GONE)))
def test_nothing_of_it_is_left(html):
    cleaned = clean_html(f"<p>kept</p>{html}").html
    assert cleaned.startswith("<p>kept</p>")
    assert [found for found in NEVER if found in cleaned.lower()] == []


@pytest.mark.parametrize("html", GONE, ids=range(len(GONE)))
def test_cleaning_what_is_clean_changes_nothing(html):
    """What a parser reads differently the second time is how cleaners are fooled (mXSS)."""
    once = clean_html(html, remote_images=True).html
    again = clean_html(once, remote_images=True).html
    assert sorted(re.split(r"[ >]", again)) == sorted(re.split(r"[ >]", once))  # attributes may change places


def test_remote_pictures_are_counted_and_load_only_when_asked_for():
    html = (
        '<img src="https://shop.example/a.png"><p style="background-image: url(\'https://shop.example/b.png\'); color: red">x</p>'
        '<table><tr><td background="http://shop.example/c.png">y</td></tr></table>'
    )
    quiet, asked = clean_html(html), clean_html(html, remote_images=True)

    assert quiet.remote == 3 and "shop.example" not in quiet.html and "color: red" in quiet.html
    assert asked.remote == 0 and asked.html.count("shop.example") == 3


def test_links_open_elsewhere_and_tell_nobody_where_they_were():
    cleaned = clean_html('<a href="https://shop.example/x?a=1&amp;b=2">x</a>').html
    assert 'href="https://shop.example/x?a=1&amp;b=2"' in cleaned
    assert 'rel="noopener noreferrer nofollow"' in cleaned and 'target="_blank"' in cleaned


@pytest.mark.parametrize(
    "html",
    ["<div>" * 100_000, "<div></i>" * 100_000, "<b><p>" * 50_000, f"<div {' '.join(f'a{n}=1' for n in range(50_000))}>"],
    ids=["nested", "wrongly closed", "formatting", "attributes"],
)
def test_markup_built_to_keep_a_reader_busy_is_not_parsed(html):
    begun = time.process_time()
    assert clean_html(html).refused
    assert time.process_time() - begun < 1


def test_text_is_text_with_links():
    shown = shown_text("<b>Hi</b> see https://shop.example/?a=1&b=2\nbye")
    assert "&lt;b&gt;Hi&lt;/b&gt;" in shown and "<br>bye" in shown
    assert 'rel="noopener noreferrer nofollow"' in shown


@pytest.fixture
def mail(music, ana):
    ticket = make_ticket(ana, music, channel=make_channel(music))
    html = '<p>Hello</p><img src="cid:logo@shop"><img src="https://track.example/p.gif"><script>alert(1)</script>'
    raw = b"From: ana@tributary.example\r\nSubject: =?utf-8?q?H=C3=A4?=\r\n\r\nHello"
    message = make_message(
        ticket, "Hello", body_html=html, inbound=make_inbound(ticket.channel, raw, status="filed", filed_as="x")
    )
    make_attachment(message, "logo.png", file=keep_file(PNG), content_id="<logo@shop>")
    return message


def test_a_mail_is_the_document_of_a_frame_in_which_nothing_runs(mail, mara, as_person):
    answer = as_person(mara).get(f"/manage/inbox/messages/{mail.public_id}/html")
    policy = answer.headers["Content-Security-Policy"]

    assert answer.status_code == 200
    assert policy.startswith("default-src 'none'; img-src data:;") and "sandbox allow-popups" in policy
    assert "allow-scripts" not in policy and "allow-same-origin" not in policy and "https:" not in policy
    assert "form-action 'none'" in policy and "frame-ancestors 'self'" in policy
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    page = answer.content.decode()
    assert "alert" not in page and "track.example" not in page and "1 picture from elsewhere is not loaded" in page
    assert f"data:image/png;base64,{b64encode(PNG).decode()}" in page  # its own picture needs no cookie in a sandbox


def test_remote_pictures_are_one_click_away(mail, mara, as_person):
    answer = as_person(mara).get(f"/manage/inbox/messages/{mail.public_id}/html?images=1")
    assert "https://track.example/p.gif" in answer.content.decode()
    assert "img-src data: https:;" in answer.headers["Content-Security-Policy"]


def test_the_whole_mail_is_a_download(mail, mara, as_person):
    answer = as_person(mara).get(f"/manage/inbox/messages/{mail.public_id}/raw")
    assert answer.content == bytes(mail.inbound.raw)
    assert answer.headers["Content-Type"] == "message/rfc822"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{mail.public_id}.eml"'
    assert answer.headers["Content-Security-Policy"].endswith("sandbox")


@pytest.mark.parametrize(
    ("name", "content", "type"),
    [
        ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "image/svg+xml"),
        ("page.png", b"<!doctype html><script>alert(1)</script>", "text/html"),
        ("Zahlen Köln.csv", b"a,b\n1,2\n", "text/plain"),
    ],
)
def test_a_file_is_a_download_of_the_type_that_its_content_shows(mail, mara, ana, as_person, name, content, type):
    attachment = make_attachment(mail, name, file=keep_file(content))
    for person, place in ((mara, "manage/inbox"), (ana, "portal/help")):
        answer = as_person(person).get(f"/{place}/attachments/{attachment.public_id}")
        assert b"".join(answer.streaming_content) == content
        assert answer.headers["Content-Type"].startswith(type)
        assert answer.headers["Content-Disposition"].startswith("attachment; filename")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert answer.headers["Content-Security-Policy"].endswith("sandbox")
    if not name.isascii():
        assert "filename*=utf-8''Zahlen%20K%C3%B6ln.csv" in answer.headers["Content-Disposition"]


def test_a_note_s_file_and_another_s_file_are_not_there_for_an_affiliate(mail, ana, bao, as_person):
    note = make_attachment(make_message(mail.ticket, "secret", "note"), file=keep_file(b"for us"))
    theirs = make_attachment(make_message(make_ticket(bao, mail.ticket.program)), file=keep_file(b"of bao"))
    for attachment in (note, theirs):
        assert as_person(ana).get(f"/portal/help/attachments/{attachment.public_id}").status_code == 404


def test_what_the_disk_has_lost_is_said_to_be_gone(mail, mara, as_person):
    attachment = make_attachment(mail, "lost.bin", file=keep_file(b"soon gone"))
    path = Path(settings.DATA_FOLDER) / "files" / attachment.file.sha256[:2] / attachment.file.sha256
    path.unlink()
    assert as_person(mara).get(f"/manage/inbox/attachments/{attachment.public_id}").status_code == 404
