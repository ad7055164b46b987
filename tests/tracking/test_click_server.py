"""The click server as visitors meet it, with PostgreSQL at hand."""

from __future__ import annotations

import http.client
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlsplit

import pytest
from django.utils import timezone

from affiliates.models import Enrollment
from programs.models import Offer, Program
from tests.factories import make_affiliate, make_enrollment, make_link, make_offer, make_program
from tests.live import wait_for
from tests.tracking.click_servers import BROWSER, ClickServer, click_server, database_url
from tracking.models import Click, ClickOutcome, Link, Status, click_time
from tracking.partitions import make_partitions_ahead

pytestmark = pytest.mark.django_db(transaction=True)

WITHIN = 1.0  # seconds: what the contract promises for a change


def link_to(landing_url: str = "https://shop.example/landing", **fields: object) -> Link:
    return make_link(offer=make_offer(landing_url=landing_url, **fields))


def test_a_click_is_redirected_and_committed_before_the_answer_comes(server):
    program = make_program(attribution_window_days=45)
    link = make_link(offer=make_offer(program, landing_url="https://shop.example/landing?ref=1&x=%20#top"))
    before = timezone.now()

    answer = server.get(f"/r/{link.code}?sub1=mail&aff_sub3=june", Referer="https://blog.example/shoes")

    click = Click.objects.get()  # there is nothing to wait for
    assert answer.status == 302
    assert answer.location == f"https://shop.example/landing?ref=1&x=%20&click_id={click.id}#top"
    assert answer.headers["set-cookie"] == f"trb_click={click.id}; Path=/; Max-Age={45 * 86400}; SameSite=Lax; HttpOnly"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "strict-origin-when-cross-origin"
    assert answer.headers["x-robots-tag"] == "noindex"
    assert abs((parsedate_to_datetime(answer.headers["date"]) - before).total_seconds()) < 10
    assert (click.link_id, click.affiliate_id, click.offer_id, click.program_id) == (
        link.pk,
        link.affiliate_id,
        link.offer_id,
        program.pk,
    )
    assert (click.outcome, click.bot, click.ip) == (ClickOutcome.CREDITED, False, "127.0.0.1")
    assert (click.user_agent, click.referrer) == (BROWSER, "https://blog.example/shoes")
    assert (click.url, click.subs) == ("https://shop.example/landing?ref=1&x=%20#top", ["mail", "", "june"])
    assert 0 <= click.visitor < 2**63
    assert click.id.version == 7
    assert click.at == click_time(click.id)
    assert abs((click.at - before).total_seconds()) < 10


def test_a_click_lies_in_the_partition_of_its_day(server):
    make_partitions_ahead(timezone.now().date())
    click_id = server.get(f"/r/{link_to().code}").click_id

    [table] = Click.objects.extra(select={"part": "tableoid::regclass::text"}).values_list("part", flat=True)
    assert table == f"tracking_click_{click_time(click_id):%Y%m%d}"


def test_the_cookie_is_secure_where_visitors_come_by_https():
    link = link_to()
    with click_server(database_url(), extra={"CLICK_BASE_URL": "https://go.example"}, arguments=("--processes", "1")) as secure:
        answer = secure.get(f"/r/{link.code}")

    assert answer.headers["set-cookie"].endswith("; SameSite=Lax; HttpOnly; Secure")


def test_a_link_leads_to_its_own_destination_while_the_offer_allows_it(server):
    offer = make_offer(allowed_domains=["partner.example"])
    link = make_link(offer=offer, destination_url="https://partner.example/deal")
    assert server.get(f"/r/{link.code}").location.startswith("https://partner.example/deal?click_id=")

    offer.allowed_domains = []
    offer.save()

    wait_for(lambda: server.get(f"/r/{link.code}").location.startswith("https://shop.example/landing?click_id="), WITHIN)


def test_a_deep_link_is_followed_where_its_host_is_allowed(server):
    link = link_to("https://www.shop.example/", allowed_domains=["partner.example"])
    deep = "https://de.partner.example/schuhe?größe=42#rot"

    answer = server.get(f"/r/{link.code}?sub1=a&url={quote(deep, safe='')}")

    sent = f"https://de.partner.example/schuhe?gr%C3%B6%C3%9Fe=42&click_id={answer.click_id}#rot"
    assert answer.location == sent
    assert Click.objects.get().url == "https://de.partner.example/schuhe?gr%C3%B6%C3%9Fe=42#rot"


@pytest.mark.parametrize(
    "deep",
    [
        "https://evil.example/",
        "https://partner.example@evil.example/",
        "https://evil.example\\@partner.example/",
        "//evil.example",
        "https://evil-partner.example/",
        "https://partner.example/\r\nSet-Cookie: trb_click=1",
        "https://xn--prtner-2xa.example/",
        "javascript:alert(1)",
    ],
)
def test_any_other_deep_link_leads_to_the_landing_page(server, deep):
    link = make_link(
        offer=make_offer(allowed_domains=["partner.example"], landing_url="https://shop.example/landing"),
        destination_url="https://partner.example/deal",
    )

    answer = server.get(f"/r/{link.code}?url={quote(deep, safe='')}")

    assert answer.location == f"https://shop.example/landing?click_id={answer.click_id}"
    assert answer.headers["set-cookie"].startswith(f"trb_click={answer.click_id};")


def test_a_code_works_once_its_link_is_committed(server):
    for _ in range(30):
        code = f"new-{uuid.uuid4().hex}"
        assert server.get(f"/r/{code}").status == 404  # no "unknown" is remembered

        link = make_link(code=code)

        assert server.get(f"/r/{code}").status == 302
        assert Click.objects.filter(link_id=link.pk, outcome=0).count() == 1


def test_a_new_code_works_in_every_process_at_once_under_a_flood_of_unknown_ones(server):
    with ThreadPoolExecutor(8) as visitors:
        flood = [visitors.submit(server.get, f"/r/{uuid.uuid4().hex}") for _ in range(300)]
        codes = [make_link().code for _ in range(10)]
        assert {server.get(f"/r/{code}").status for code in codes} == {302}
        assert {one.result().status for one in flood} == {404}


def pause_link(link: Link) -> None:
    link.status = Status.PAUSED
    link.save()


def suspend_affiliate(link: Link) -> None:
    Enrollment.objects.filter(affiliate=link.affiliate_id).update(status="suspended")


def close_offer(link: Link) -> None:
    Offer.objects.filter(pk=link.offer_id).update(status="closed")


def pause_program(link: Link) -> None:
    Program.objects.filter(pk=link.offer.program_id).update(status="paused")


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        (pause_link, ClickOutcome.LINK_PAUSED),
        (suspend_affiliate, ClickOutcome.NOT_ENROLLED),
        (close_offer, ClickOutcome.OFFER_CLOSED),
        (pause_program, ClickOutcome.OFFER_CLOSED),
    ],
)
def test_what_is_stopped_goes_to_the_fallback_within_a_second_and_is_not_credited(server, change, outcome):
    link = make_link(offer=make_offer(make_program(fallback_url="https://shop.example/sorry?a=1")))
    assert server.get(f"/r/{link.code}").status == 302

    change(link)

    wait_for(lambda: "sorry" in server.get(f"/r/{link.code}").location, WITHIN)
    answer = server.get(f"/r/{link.code}?sub1=a&url=https%3A%2F%2Fshop.example%2Fdeep")
    assert (answer.status, answer.location) == (302, "https://shop.example/sorry?a=1")
    assert "set-cookie" not in answer.headers
    click = Click.objects.get(subs=["a"])
    assert (click.outcome, click.url) == (outcome, "https://shop.example/sorry?a=1")


def test_without_a_fallback_visitors_see_the_landing_page_but_nobody_is_credited(server):
    link = make_link(offer=make_offer(make_program(fallback_url="")), status=Status.PAUSED)

    answer = server.get(f"/r/{link.code}")

    assert answer.location == "https://shop.example/landing"
    assert "set-cookie" not in answer.headers
    assert Click.objects.get().outcome == ClickOutcome.LINK_PAUSED


def test_a_link_of_someone_who_is_not_approved_yet_works_once_they_are(server):
    affiliate, offer = make_affiliate(), make_offer()
    enrollment = make_enrollment(affiliate, offer.program, status="pending")
    link = Link.objects.create(affiliate=affiliate, offer=offer, code=f"c{uuid.uuid4().hex}")
    assert "set-cookie" not in server.get(f"/r/{link.code}").headers

    enrollment.status = "approved"
    enrollment.save()

    wait_for(lambda: "set-cookie" in server.get(f"/r/{link.code}").headers, WITHIN)


def test_a_change_of_more_links_than_a_message_can_name_arrives_too(server):
    first = make_link()
    Link.objects.bulk_create(
        Link(affiliate_id=first.affiliate_id, offer_id=first.offer_id, code=f"many-{first.pk}-{n}") for n in range(400)
    )
    wait_for(lambda: server.get(f"/r/many-{first.pk}-399").status == 302, WITHIN)

    Link.objects.filter(offer_id=first.offer_id).update(status=Status.PAUSED)

    wait_for(lambda: "set-cookie" not in server.get(f"/r/many-{first.pk}-399").headers, WITHIN)
    Link.objects.filter(code__startswith="many").delete()
    wait_for(lambda: server.get(f"/r/many-{first.pk}-1").status == 404, WITHIN)


def test_a_code_that_changes_hands_is_never_two_peoples(server):
    link = make_link()
    old, new = link.code, f"new-{link.code}"
    server.get(f"/r/{old}")

    Link.objects.filter(pk=link.pk).update(code=new)

    wait_for(lambda: server.get(f"/r/{old}").status == 404, WITHIN)
    assert server.get(f"/r/{new}").status == 302


@pytest.mark.parametrize(
    "path",
    [
        "/r/unknown",
        "/r/",
        "/r/a%20b",
        "/r/" + "x" * 61,
        "/r/a/b",
        "/r/a%2Fb",
        "/r/%00",
        "/r/%",
        "/r/caf%C3%A9",
        "/r/..",
        "/",
        "/favicon.ico",
        "/r",
        "/manage/",
    ],
)
def test_what_is_not_there_is_a_404(server, path):
    answer = server.get(path)

    assert answer.status == 404
    assert answer.headers["cache-control"] == "no-store"
    assert not Click.objects.exists()


def test_a_code_that_comes_escaped_is_the_same_code(server):
    """As some mail programs and messengers rewrite addresses (RFC 3986, 6.2.2.2)."""
    link = make_link(code=f"a-b_{uuid.uuid4().hex}")

    assert server.get(f"/r/{link.code.replace('-', '%2D').replace('_', '%5f')}").status == 302
    assert Click.objects.get().link_id == link.pk


def test_case_counts(server):
    link = make_link(code=f"CaSe{uuid.uuid4().hex}")

    assert server.get(f"/r/{link.code}").status == 302
    assert server.get(f"/r/{link.code.lower()}").status == 404


def test_nobody_posts_to_a_link(server):
    link = link_to()

    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        answer = server.get(f"/r/{link.code}", method)
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
    assert not Click.objects.exists()


def test_robots_are_marked(server):
    link = link_to()

    server.get(f"/r/{link.code}", User_Agent="Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)")
    head = server.get(f"/r/{link.code}", "HEAD")
    server.get(f"/r/{link.code}")

    assert head.status == 302
    assert sorted(Click.objects.values_list("bot", "user_agent"))[:2] == [(False, BROWSER), (True, BROWSER)]
    assert Click.objects.filter(bot=True).count() == 2


def test_visitors_are_told_apart_by_address_and_browser(server):
    link = link_to()
    visits = [("198.51.100.1", "Firefox"), ("198.51.100.1", "Firefox"), ("198.51.100.2", "Firefox"), ("198.51.100.1", "Chrome")]

    for address, browser in visits:
        server.get(f"/r/{link.code}", X_Forwarded_For=address, User_Agent=browser)

    assert set(Click.objects.values_list("ip", "user_agent")) == set(visits)
    assert Click.objects.values("visitor").distinct().count() == 3


def test_a_thousand_clicks_at_once_are_a_thousand_rows(server):
    codes = [link_to().code for _ in range(5)]
    per_visitor = 25

    def visit(number: int) -> list[uuid.UUID]:
        link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        ids = []
        for n in range(per_visitor):
            link.request("GET", f"/r/{codes[n % 5]}?sub1={number}-{n}")
            answer = link.getresponse()
            answer.read()
            ids.append(uuid.UUID(urlsplit(answer.getheader("location")).query.removeprefix("click_id=")))
        link.close()
        return ids

    with ThreadPoolExecutor(40) as visitors:
        answered = [click_id for ids in visitors.map(visit, range(40)) for click_id in ids]

    assert len(answered) == 1000
    assert set(answered) == set(Click.objects.values_list("id", flat=True))
    assert Click.objects.values("subs").distinct().count() == 1000


def test_a_visitor_who_hangs_up_harms_no_other_click_and_is_counted(server):
    code = link_to().code
    for _ in range(50):
        with server.connect() as hurried:
            hurried.sendall(f"GET /r/{code}?sub1=gone HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert server.get(f"/r/{code}?sub1=stays").status == 302

    assert Click.objects.filter(subs=["stays"]).count() == 50
    wait_for(lambda: Click.objects.filter(subs=["gone"]).count() == 50)


def test_the_health_page_tells_the_numbers(server):
    answer = server.get("/health/")

    health = server.health()
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert {"status": "ok", "spooling": False, "spooled": 0}.items() <= health.items()
    assert isinstance(health["links"], int)


def test_a_second_click_server_on_the_same_port_says_so_in_one_line(server):
    second = ClickServer(server.database_url, port=server.port)
    try:
        second.start(wait=False)
        assert second.process.wait(20) == 1
        assert second.log == f"tributary: port {server.port} is taken by another program: set CLICK_PORT to a free one.\n"
    finally:
        second.end()


def test_a_click_takes_no_longer_than_a_commit(server):
    """Natural batching waits for nothing: alone, a visitor is answered at once."""
    code = link_to().code
    server.get(f"/r/{code}")

    def took() -> float:
        began = time.perf_counter()
        server.get(f"/r/{code}")
        return time.perf_counter() - began

    assert min(took() for _ in range(20)) < 0.02
