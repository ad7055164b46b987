"""Requests that no browser sends, and connections as HTTP/1.1 wants them."""

from __future__ import annotations

import http.client
import uuid

import pytest

from tests.factories import make_link
from tracking.models import Click

pytestmark = pytest.mark.django_db(transaction=True)


def test_strange_bytes_are_made_harmless(server):
    link = make_link()
    request = (
        f"GET /r/{link.code}?sub1=%FF%00x&sub2=%ED%A0%80&sub3={'y' * 600} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n".encode()
        + b"User-Agent: \xff\xfe Fire\tfox\r\nReferer: https://blog.example/\xc3\xbc?"
        + b"z" * 3000
        + b"\r\nX-Forwarded-For: nonsense\r\n\r\n"
    )

    answer = server.raw(request)

    assert answer.startswith(b"HTTP/1.1 302 Found\r\n")
    click = Click.objects.get()
    assert click.subs == ["\ufffdx", "\ufffd\ufffd\ufffd", "y" * 500]
    assert click.user_agent == "\ufffd\ufffd Fire\tfox"
    assert click.referrer.startswith("https://blog.example/ü?z") and len(click.referrer) == 2000
    assert click.ip == "127.0.0.1"


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00", b"400"),
        (b"GET / HTTP/9.9\r\n\r\n", b"400"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /r/a b HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /r/a HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n", b"400"),
        (b"GET /r/\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"400"),
        (b"GET /r/" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"414"),
        (b"GET /r/" + b"a" * 40_000, b"414"),
        (b"GET /r/a HTTP/1.1\r\nX: " + b"a" * 40_000, b"431"),
        (b"GET /r/a HTTP/1.1\r\n" + b"X: a\r\n" * 10_000, b"431"),
        (b"POST /r/a HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n\r\n" + b"a" * 70_000, b"413"),
    ],
)
def test_a_request_that_is_none_is_refused_and_harms_nobody(server, request_bytes, status):
    assert server.raw(request_bytes).split(b" ", 2)[1] == status
    assert server.get("/health/").status == 200


def test_requests_of_one_connection_are_answered_in_order(server):
    link = make_link()
    one = f"GET /r/{link.code}?sub1={{}} HTTP/1.1\r\nHost: x\r\n\r\n"
    missing = "GET /r/unknown-{} HTTP/1.1\r\nHost: x\r\n\r\n"
    last = f"GET /r/{link.code}?sub1=last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    requests = "".join(one.format(n) + missing.format(n) for n in range(50)) + last + one.format("ignored")

    answers = server.raw(requests.encode())

    assert [part[:3] for part in answers.split(b"HTTP/1.1 ")[1:]] == [b"302", b"404"] * 50 + [b"302"]
    ids = [part.split(b"click_id=")[1][:36].decode() for part in answers.split(b"Location: ")[1:]]
    subs = dict(Click.objects.values_list("id", "subs"))
    assert [subs[uuid.UUID(click_id)] for click_id in ids] == [[str(n)] for n in range(50)] + [["last"]]
    assert len(subs) == 51


def test_connections_are_kept_and_closed_as_http_says(server):
    code = make_link().code
    link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=15)
    link.request("GET", f"/r/{code}")
    assert link.getresponse().read() == b""
    first = link.sock
    link.request("GET", f"/r/{code}")
    assert link.getresponse().status == 302
    assert link.sock is first
    link.close()

    assert b"\r\nConnection: close\r\n" in server.raw(f"GET /r/{code} HTTP/1.0\r\n\r\n".encode())
    assert b" 302 " in server.raw(
        f"GET http://go.example/r/{code}?sub1=a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    )
    upgrade = f"GET /r/{code} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    assert b" 302 " in server.raw(upgrade.encode())
    expecting = f"POST /r/{code} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\nConnection: close\r\n\r\n"
    with server.connect() as raw:
        raw.sendall(expecting.encode())
        assert raw.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        raw.sendall(b"x")
        assert raw.recv(4096).startswith(b"HTTP/1.1 405 ")
