"""What raw mails say, from the plain ones to the broken, hostile and huge."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.mail import provider_id_of
from channels.mime import Unreadable, parse_mail
from channels.parsed import Automatic
from tests.channels.mails import HEAD, bounce, encoded, mail, outlook, page, tnef, with_file


def test_a_plain_mail():
    parsed = parse_mail(
        mail("Hello\nthere\n", In_Reply_To="<a@x>", References="<z@x> <a@x>", Date="Mon, 3 Mar 2025 10:00:00 +0100")
    )

    assert (parsed.sender.email, parsed.sender.name) == ("ana@blog.example", "Ana")
    assert (parsed.subject, parsed.text, parsed.message_id) == ("A question", "Hello\nthere", "one@blog.example")
    assert (parsed.in_reply_to, parsed.references) == (["a@x"], ["z@x", "a@x"])
    assert parsed.date.isoformat() == "2025-03-03T09:00:00+00:00"
    assert parsed.automatic == Automatic.NO


@pytest.mark.parametrize(
    ("text", "charset", "transfer"),
    [
        ("Grüße, Ñandú", "utf-8", "8bit"),
        ("Grüße", "iso-8859-1", "8bit"),
        ("Grüße – „so“ €", "windows-1252", "8bit"),
        ("Zażółć gęślą jaźń", "iso-8859-2", "base64"),
        ("Где мои деньги?", "koi8-r", "8bit"),
        ("Где мои деньги?", "windows-1251", "base64"),
        ("Chào các bạn", "utf-7", "8bit"),
        ("我的链接", "gb18030", "base64"),
        ("我的鏈接", "big5", "8bit"),
        ("リンクが動かない", "iso-2022-jp", "8bit"),
        ("リンクが動かない", "shift_jis", "base64"),
        ("링크가 안 돼요", "euc-kr", "8bit"),
        ("ลิงก์ของฉัน", "tis-620", "8bit"),
    ],
    ids=lambda value: value if value.isascii() else "",
)
def test_many_encodings_say_the_same(text, charset, transfer):
    assert parse_mail(encoded(text, charset, transfer)).text == text


def test_a_charset_that_is_not_what_it_says_is_guessed():
    assert parse_mail(mail("Grüße".encode(), Content_Type="text/plain; charset=us-ascii")).text == "Grüße"
    assert parse_mail(mail("Grüße".encode("cp1252"), Content_Type="text/plain; charset=utf-8")).text == "Grüße"
    assert parse_mail(mail("Hello", Content_Type="text/plain; charset=no-such-thing")).text == "Hello"
    assert parse_mail(mail("Hello", Content_Type='text/plain; charset="')).text == "Hello"


def test_headers_of_eight_bits_and_encoded_words():
    raw = b"From: J\xc3\xbcrgen <j@blog.example>\nSubject: Gr\xfc\xdfe\nMessage-ID: <x@y>\n\nHi"
    parsed = parse_mail(raw)
    assert (parsed.sender.name, parsed.sender.email, parsed.subject) == ("Jürgen", "j@blog.example", "Grüße")

    words = mail(Subject="=?utf-8?B?0JPQtNC1?= =?koi8-r?Q?_=CD=CF=C9?=", From="=?utf-8?Q?M=C3=BCller=2C_Ana?= <ana@blog.example>")
    parsed = parse_mail(words)
    assert (parsed.subject, parsed.sender.name) == ("Где мои", "Müller, Ana")

    assert parse_mail(mail(Subject="=?utf-8?B?broken")).subject == "=?utf-8?B?broken"
    assert parse_mail(mail(Subject="=?no-such?Q?caf=E9?=")).subject == "café"


@pytest.mark.parametrize("missing", ["Message_ID", "Date", "Subject", "To", "Content_Type"])
def test_missing_headers_are_missing_and_no_more(missing):
    parsed = parse_mail(mail("Hello", **{missing: ""}))

    assert parsed.text == "Hello"
    assert parsed.date is None


@pytest.mark.parametrize("date", ["yesterday", "Mon, 99 Foo 2025 99:99:99", "Mon, 3 Mar 99999999999 10:00:00 +0000", "\udcff"])
def test_dates_that_are_none(date):
    assert parse_mail(mail(Date=date)).date is None


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n\n",
        b"no headers at all",
        b"\x00\x00\x00",
        b"From: ana@blog.example",
        mail("--x\n", Content_Type="multipart/mixed; boundary=x"),
        mail("no parts", Content_Type="multipart/mixed"),
        mail("--x\nno end", Content_Type='multipart/alternative; boundary="x"'),
        mail("%%%not base64%%%", Content_Transfer_Encoding="base64"),
        mail("=ZZ=", Content_Transfer_Encoding="quoted-printable"),
        mail("begin 644 x\n#gibberish", Content_Transfer_Encoding="x-uuencode"),
        mail("x", Content_Transfer_Encoding="\udcff"),
        mail("x", Content_Type="\udcff\udcfe"),
        mail("x", Content_Disposition="attachment; filename*=utf-8'"),
        mail("x", Content_Type="message/rfc822"),
        mail("x", Content_Type="message/delivery-status"),
    ],
    ids=lambda raw: str(raw[-24:]),
)
def test_broken_mails_are_read_as_far_as_they_go(raw):
    parse_mail(raw)


@given(
    st.binary(max_size=400), st.sampled_from(["text/plain", "multipart/mixed; boundary=b", "message/rfc822", "multipart/report"])
)
def test_no_bytes_whatever_are_too_much_for_it(body, kind):
    parsed = parse_mail(mail(body, Content_Type=kind))

    assert "\x00" not in parsed.text + parsed.html + parsed.subject


def test_names_of_rfc_2231_in_pieces_and_in_words():
    assert parse_mail(with_file("Übersicht für März.csv", b"1")).files[0].name == "Übersicht für März.csv"
    pieces = mail(
        "x", Content_Type="application/pdf", Content_Disposition="attachment; filename*0*=utf-8''%C3%9Cber; filename*1=sicht.pdf"
    )
    assert parse_mail(pieces).files[0].name == "Übersicht.pdf"
    words = mail("x", Content_Type="application/pdf", Content_Disposition='attachment; filename="=?utf-8?Q?=C3=9Cbersicht.pdf?="')
    assert parse_mail(words).files[0].name == "Übersicht.pdf"


def test_a_name_leads_out_of_no_folder():
    assert parse_mail(with_file("../../../etc/passwd", b"1")).files[0].name == "passwd"


def test_outlooks_winmail_dat_is_unpacked():
    parsed = parse_mail(outlook())

    assert parsed.text == "Words from Outlook"
    assert [(file.name, file.content) for file in parsed.files] == [("numbers.txt", b"1;2;3")]


def test_a_winmail_dat_that_is_none_stays_a_file():
    parsed = parse_mail(with_file("winmail.dat", tnef()[:20], "application/ms-tnef"))

    assert [(file.name, file.content) for file in parsed.files] == [("winmail.dat", tnef()[:20])]
    assert parsed.text == "See the file."


def test_a_mail_within_the_mail_is_a_file_and_says_nothing_itself():
    inner = mail("Inner words", Subject="Inner subject")
    parsed = parse_mail(
        mail(
            b"--b\nContent-Type: text/plain\n\nLook at this\n--b\nContent-Type: message/rfc822\n\n" + inner + b"\n--b--",
            Content_Type="multipart/mixed; boundary=b",
        )
    )

    assert (parsed.text, parsed.subject) == ("Look at this", "A question")
    assert parsed.files[0].name == "Inner subject.eml"
    assert b"Inner words" in parsed.files[0].content


def test_an_invitation_of_a_calendar_is_a_file():
    raw = mail(
        "--b\nContent-Type: text/plain\n\nMeet us\n--b\nContent-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\n--b--",
        Content_Type="multipart/alternative; boundary=b",
    )

    parsed = parse_mail(raw)
    assert (parsed.text, [file.name for file in parsed.files]) == ("Meet us", ["file-1.ics"])


def test_an_empty_body_is_empty():
    assert (parse_mail(mail("")).text, parse_mail(mail("", Content_Type="text/html")).html) == ("", "")


def test_the_page_and_the_words_of_a_mail():
    parsed = parse_mail(page("<p>Hello <b>you</b></p>", "Hello you"))

    assert (parsed.text, parsed.html) == ("Hello you", "<p>Hello <b>you</b></p>")


def test_flowed_text_flows():
    assert parse_mail(mail("One \nline\n> a \n> b\n", Content_Type="text/plain; format=flowed")).text == "One line\n> a b"


def test_twenty_five_megabytes():
    content = bytes(range(256)) * (25 * 4096)
    raw = with_file("film.bin", content)
    begun = time.perf_counter()
    parsed = parse_mail(raw)

    assert parsed.files[0].content == content
    assert time.perf_counter() - begun < 20  # about one second on an idle machine


def test_five_hundred_recipients_and_a_thousand_references():
    to = ",\n ".join(f'"Person, {n}" <p{n}@blog.example>' for n in range(500))
    references = "\n ".join(f"<{n}@blog.example>" for n in range(1000))
    parsed = parse_mail(mail("Hello", To=to, References=references))

    assert len(parsed.recipients) == 500
    assert parsed.recipients[499].name == "Person, 499"
    assert (len(parsed.references), parsed.references[-1]) == (1000, "999@blog.example")


def test_more_parts_or_deeper_ones_than_a_mail_has_are_for_a_person():
    many = b"--b\n\nx\n" * 600
    with pytest.raises(Unreadable):
        parse_mail(mail(many, Content_Type="multipart/mixed; boundary=b"))
    deep = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(2000))
    with pytest.raises(Unreadable):
        parse_mail((HEAD + deep).encode())


@pytest.mark.parametrize(
    ("headers", "automatic"),
    [
        ({"Auto_Submitted": "auto-replied (vacation)"}, Automatic.REPLY),
        ({"X_Autoreply": "yes"}, Automatic.REPLY),
        ({"Precedence": "auto_reply"}, Automatic.REPLY),
        ({"Auto_Submitted": "auto-generated"}, Automatic.GENERATED),
        ({"Auto_Submitted": "no"}, Automatic.NO),
        ({"Precedence": "bulk"}, Automatic.GENERATED),
        ({"List_Id": "<news.blog.example>"}, Automatic.GENERATED),
        ({"Return_Path": "<>"}, Automatic.GENERATED),
        ({"Return_Path": "<>", "From": "MAILER-DAEMON@blog.example"}, Automatic.BOUNCE),
        ({}, Automatic.NO),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else str(value),
)
def test_what_no_person_wrote_is_recognised(headers, automatic):
    assert parse_mail(mail("Hello", **headers)).automatic == automatic


def test_a_bounce_names_whom_it_did_not_reach_and_which_mail():
    parsed = parse_mail(bounce())

    assert parsed.automatic == Automatic.BOUNCE
    (found,) = parsed.bounces
    assert (found.recipient, found.status, found.message_id) == ("gone@blog.example", "5.1.1", "our@music.example")
    assert "User unknown" in found.diagnostic


def test_a_delay_is_no_bounce_yet_and_nobodys_words_either():
    parsed = parse_mail(bounce(action="delayed"))

    assert (parsed.automatic, parsed.bounces) == (Automatic.BOUNCE, [])


def test_a_mail_is_the_same_however_it_came_and_another_under_its_name_is_not():
    raw = mail("Hello\r\nthere")
    again = b"Received: from elsewhere\nDelivered-To: help@music.example\n" + raw.replace(b"\r\n", b"\n") + b"\n"
    stranger = mail("Something else")

    assert provider_id_of(raw) == provider_id_of(again)
    assert provider_id_of(raw) != provider_id_of(stranger)
    assert provider_id_of(raw).startswith("one@blog.example:")
    assert len(provider_id_of(mail(Message_ID=f"<{'x' * 900}@y>"))) <= 255


def test_mails_without_an_id_are_told_apart_by_what_they_say():
    first = mail("Thanks", Message_ID="", Date="Mon, 3 Mar 2025 10:00:00 +0000")
    later = mail("Thanks", Message_ID="", Date="Tue, 4 Mar 2025 10:00:00 +0000")

    assert provider_id_of(first) == provider_id_of(first)
    assert provider_id_of(first) != provider_id_of(later)
