"""The pure half of the click server: addresses, queries, visitors, ids."""

from __future__ import annotations

import json
import time
import uuid
from urllib.parse import parse_qsl, quote, quote_plus, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from programs.domains import allowed_url, ascii_url
from tracking.clickserver import ids as click_ids
from tracking.clickserver.ids import ClickIds
from tracking.clickserver.spool import line_of
from tracking.clickserver.visits import around_click_id, clean, read_browser, read_query, visitor_address, visitor_number
from tracking.models import click_time

ID = "01932e5b-7b3a-7abc-8def-0123456789ab"

names = st.text("abcxyz_-0", min_size=1, max_size=8).filter(lambda name: name != "click_id")
values = st.text(max_size=12)
params = st.lists(st.tuples(names, values), max_size=6)
fragments = st.text("abc!/?=&", max_size=10)
paths = st.lists(st.text("abc/.-%20", max_size=6), max_size=3).map("/".join)


def with_id(url: str) -> str:
    before, after = around_click_id(url)
    return before + ID + after


@given(paths, params, fragments)
def test_a_click_id_is_added_and_everything_else_stays(path, pairs, fragment):
    query = urlencode(pairs)
    url = f"https://shop.example/{quote(path)}" + (f"?{query}" if query else "") + (f"#{fragment}" if fragment else "")

    parts = urlsplit(with_id(url))

    assert parse_qsl(parts.query, keep_blank_values=True) == [*pairs, ("click_id", ID)]
    assert parts[:3] == urlsplit(url)[:3]
    assert parts.fragment == fragment


@given(params, params)
def test_a_click_id_that_is_there_is_replaced_however_it_is_spelled(before, after):
    for name in ("click_id", "click%5Fid", "%63lick_id"):
        query = "&".join(filter(None, [urlencode(before), f"{name}=old", urlencode(after)]))

        found = parse_qsl(urlsplit(with_id(f"https://shop.example/?{query}")).query, keep_blank_values=True)

        assert found == [*before, *after, ("click_id", ID)]


@pytest.mark.parametrize(
    ("url", "result"),
    [
        ("https://shop.example", f"https://shop.example?click_id={ID}"),
        ("https://shop.example/a?b=1#c?d", f"https://shop.example/a?b=1&click_id={ID}#c?d"),
        ("https://shop.example/?q=a%26b&&x", f"https://shop.example/?q=a%26b&&x&click_id={ID}"),
        ("https://shop.example/#top", f"https://shop.example/?click_id={ID}#top"),
    ],
)
def test_a_click_id_is_added_byte_by_byte(url, result):
    assert with_id(url) == result


SHOP = "https://www.shop.example/landing"
ALLOWED = ["partner.example", "bücher.example", "Straße.example."]


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://www.shop.example/shoes?a=1#b", None),
        ("http://www.shop.example", None),
        ("https://WWW.Shop.Example/", None),
        ("https://www.shop.example.:443/x", None),
        ("https://partner.example/", None),
        ("https://de.partner.example:8443/", None),
        ("https://xn--bcher-kva.example/", None),
        ("https://www.shop.example/a b/ü", "https://www.shop.example/a%20b/%C3%BC"),
        ("https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC"),
        ("https://BÜCHER。example:444/", "https://xn--bcher-kva.example:444/"),
        ("https://straße.example/", "https://xn--strae-oqa.example/"),
    ],
)
def test_a_deep_link_to_an_allowed_domain_is_followed(url, sent):
    assert allowed_url(url, SHOP, ALLOWED) == (sent or url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "evil.example",
        "//evil.example",
        "//www.shop.example/",
        "/path",
        "javascript:alert(1)//www.shop.example",
        "data:text/html,www.shop.example",
        "ftp://www.shop.example/",
        "https:www.shop.example",
        "https:///www.shop.example",
        "https://evil.example/",
        "https://shop.example/",  # above the landing page's host
        "https://evil-partner.example/",
        "https://partner.example.evil.example/",
        "https://partner.example@evil.example/",
        "https://user:secret@partner.example/",
        "https://evil.example\\@partner.example/",
        "https://evil.example\\.partner.example/",
        "https://partner.example\\evil",
        "https://evil.example#.partner.example/",
        "https://evil.example?.partner.example/",
        "https://evil.example%2f.partner.example/",
        "https://evil.example%00.partner.example/",
        "https://evil.example／.partner.example/",
        "https://evil.example;.partner.example/",
        "https://evil.example .partner.example/",
        " https://partner.example/",
        "\thttps://partner.example/",
        "https://part\nner.example/",
        "ht\ttps://partner.example/",
        "https://partner.example/\r\nSet-Cookie: a=b",
        "https://partner.example:99999/",
        "https://partner.example:x/",
        "https://[partner.example]/",
        "https://[::1/",
        "https://раrtner.example/",  # Cyrillic р and а
        "https://.",
        "https://",
    ],
)
def test_any_other_deep_link_is_refused(url):
    assert allowed_url(url, SHOP, ALLOWED) is None


@given(st.text(max_size=60))
def test_an_address_fits_a_header_whatever_it_holds(text):
    sent = ascii_url(text)

    assert sent.isascii()
    assert sent == "" or (sent.isprintable() and " " not in sent)
    assert ascii_url(sent) == sent


def test_an_address_that_is_in_order_stays_as_it_is():
    url = "https://shop.example/a%20b;c?d={e}&f=[g]|%C3%BC#h'i\"<j>"

    assert ascii_url(url) == url


@pytest.mark.parametrize(
    ("query", "subs"),
    [
        (b"", None),
        (b"foo=bar&sub=1&sub13=x&s0=x&aff_sub6=x", None),
        (b"sub1=a", ["a"]),
        (b"sub3=c&sub1=a", ["a", "", "c"]),
        (b"sub12=l", [""] * 11 + ["l"]),
        (b"aff_sub=a&aff_sub2=b&aff_sub3=c&aff_sub4=d&aff_sub5=e", list("abcde")),
        (b"subid=a", ["a"]),
        (b"s1=a&s2=b&s12=l", ["a", "b", *[""] * 9, "l"]),
        (b"sub_id1=a&sub_id5=e", ["a", "", "", "", "e"]),
        (b"aff_click_id=k&source=l", [""] * 10 + ["k", "l"]),
        (b"source=other&source_id=l", [""] * 11 + ["l"]),
        (b"aff_sub=alias&subid=alias&sub1=own", ["own"]),
        (b"sub1=own&aff_sub=alias", ["own"]),
        (b"sub1=&aff_sub=alias", ["alias"]),
        (b"sub1=first&sub1=second", ["first"]),
        (b"s%75b1=a", ["a"]),
        (b"sub1=a+b%20c%26d%3De%2B", ["a b c&d=e+"]),
        (b"sub1=%FF%FEok", ["\ufffd\ufffdok"]),
        (b"sub1=\xffok", ["\ufffdok"]),
        (b"sub1=a%00b", ["ab"]),
        (b"sub1=%00", None),
        (b"sub1=%zz%", ["%zz%"]),
        (b"sub1=" + b"x" * 600, ["x" * 500]),
        (b"sub1=" + quote("ü" * 600).encode(), ["ü" * 500]),
        (b"&&=&=x&sub1", None),
    ],
)
def test_sub_ids_in_every_dialect(query, subs):
    assert read_query(query) == (subs, "")


def test_the_deep_link_is_the_first_url():
    assert read_query(b"url=https%3A%2F%2Fa.example%2F%3Fb%3D1&url=x&sub1=a") == (["a"], "https://a.example/?b=1")
    assert read_query(b"url=https://a.example/b+c") == (None, "https://a.example/b c")


@given(st.binary(max_size=60))
def test_no_query_is_too_strange(query):
    subs, deep_link = read_query(query)

    for text in [*(subs or []), deep_link]:
        text.encode()  # no half characters
    assert subs is None or (len(subs) <= 12 and subs[-1] and not any("\0" in sub for sub in subs))


@given(
    st.dictionaries(
        st.integers(1, 12), st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)
    )
)
def test_sub_ids_come_back_as_they_were_sent(sent):
    subs, _ = read_query("&".join(f"sub{n}={quote_plus(value)}" for n, value in sent.items()).encode())

    assert {n: value for n, value in enumerate(subs or [], 1) if value} == sent


@given(st.binary(max_size=80), st.integers(0, 80))
def test_cleaned_text_is_text_for_postgresql(raw, length):
    text = clean(raw, length)

    assert "\0" not in text
    assert len(text) <= length
    text.encode()


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.7", [], "203.0.113.7"),
        ("203.0.113.7", [b"198.51.100.1"], "203.0.113.7"),  # from a stranger: not believed
        ("127.0.0.1", [b"198.51.100.1"], "198.51.100.1"),
        ("10.1.2.3", [b"1.2.3.4, 198.51.100.1"], "198.51.100.1"),  # what our proxy saw, not what the visitor claimed
        ("127.0.0.1", [b"1.2.3.4", b"198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", [b"198.51.100.1:4711"], "198.51.100.1"),
        ("::1", [b"[2001:DB8::0:1]:443"], "2001:db8::1"),
        ("127.0.0.1", [b"unknown"], "127.0.0.1"),
        ("127.0.0.1", [b"\xff'; DROP TABLE"], "127.0.0.1"),
        ("", [b"198.51.100.1"], "198.51.100.1"),
    ],
)
def test_the_visitors_address_is_the_last_hop_that_a_proxy_of_ours_saw(peer, forwarded, address):
    assert visitor_address(peer, forwarded) == address


def test_a_visitor_is_a_number_that_only_the_key_ties_to_address_and_browser():
    number = visitor_number(b"key", "198.51.100.1", "Firefox")

    assert 0 <= number < 2**63
    assert number == visitor_number(b"key", "198.51.100.1", "Firefox")
    assert len({number, visitor_number(b"key", "198.51.100.2", "Firefox"), visitor_number(b"key", "198.51.100.1", "Chrome")}) == 3
    assert number != visitor_number(b"other", "198.51.100.1", "Firefox")


@pytest.mark.parametrize(
    ("name", "robot"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", True),
        ("WhatsApp/2.23.20.0", True),  # a preview
        ("Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", False),
        ("okhttp/4.12.0", False),  # an app
        ("Apache-HttpClient/4.5.13 (Java/11.0.2)", False),  # another platform's redirect
        ("python-requests/2.32 (+http://crawler.example)", True),
        ("curl/8.5.0", False),
        ("", False),
    ],
)
def test_a_robot_is_what_names_itself_one_and_no_programs_library(name, robot):
    assert read_browser(name.encode()) == (name, robot)


def test_click_ids_are_uuids_of_version_7_in_order_that_tell_their_millisecond():
    new = ClickIds()
    began = time.time_ns() // 1_000_000

    made = [new() for _ in range(20_000)]

    texts = [text for text, _ in made]
    assert texts == sorted(set(texts))
    for text, at in made[::997]:
        parsed = uuid.UUID(text)
        assert (parsed.version, parsed.variant, str(parsed)) == (7, uuid.RFC_4122, text)
        assert click_time(parsed) == at
    assert began <= made[0][1].timestamp() * 1000 + 0.5
    assert made[-1][1].timestamp() <= time.time() + 0.1


def test_click_ids_stay_in_order_when_a_millisecond_is_full_and_when_the_clock_goes_back(monkeypatch):
    clock = 1_700_000_000_000_000_000
    monkeypatch.setattr(click_ids.time, "time_ns", lambda: clock)
    new = ClickIds()

    made = [new() for _ in range(5000)]  # more than the counter holds
    clock -= 2_000_000_000
    made += [new() for _ in range(10)]

    assert made == sorted(made)
    assert len({text for text, _ in made}) == len(made)
    # A millisecond holds 2,049 to 4,096 ids, as its counter starts at random: two or three of them hold all these.
    assert (made[-1][1] - made[0][1]).total_seconds() in (0.001, 0.002)

    clock -= 3600 * 1_000_000_000  # it was wrong by an hour
    assert new()[1] < made[0][1]


def test_a_spooled_click_comes_back_as_it_was():
    from tracking.clickserver.spool import _row_of

    click_id, at = ClickIds()()
    row = (click_id, at, 1, 2, 3, 4, 0, False, 2**62, "::1", 'a"\n\u2028', "", "https://shop.example/ü", ["a", ""], click_id)

    assert line_of(row).count("\n") == 1
    assert _row_of(line_of(row)) == row


def test_a_click_that_was_spooled_before_clicks_knew_the_one_before_comes_back_too():
    from tracking.clickserver.spool import _row_of

    row = (*ClickIds()(), 1, 2, 3, 4, 0, False, 1, "::1", "", "", "https://shop.example/", None, None)
    line = json.loads(line_of(row))
    del line["previous"]

    assert _row_of(json.dumps(line)) == row
