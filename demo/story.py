"""Eighteen months of a program, told by the services that everybody uses: each chapter in order, each once."""

from __future__ import annotations

import csv
import gzip
import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from crawlerdetect import CrawlerDetect
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.services import operator
from affiliates.models import Affiliate, AffiliateMember, Function
from affiliates.services import apply_to_program, create_affiliate, enroll_affiliate
from commissions.models import Commission
from commissions.services import approve_commissions, create_rule, hold_commissions, reject_commissions, revise_rule
from core.rows import in_chunks, insert_rows
from demo.dates import date_the_story
from demo.desk import fill_the_desk
from demo.inbox import plan_the_team, tell_the_inbox, write_what_is_known
from demo.models import Chapter
from demo.orders import (
    ANA_FROM,
    DATA,
    FIRST_DAY,
    LAST_DAY,
    RISEN_FROM,
    UNDECIDED,
    Order,
    click_id,
    clicks_before,
    is_bad,
    number,
    offer_of,
    read_orders,
    refund_of,
    way_of,
)
from demo.people import make_person, make_team
from demo.profiles import PITCHES, PROFILES, TERMS, Profile
from intake.imports import import_orders
from intake.services import record_refund
from payouts.models import BatchStatus, PayoutBatch
from payouts.services import approve_batch, cancel_batch, compute_batch, mark_batch_paid, prepare_batch, set_payout_method
from programs.models import Offer, Program
from programs.services import create_offer, create_program, publish_terms
from tracking.models import Conversion, Coupon, Link
from tracking.partitions import make_partitions
from tracking.services import create_coupon, create_link

SLUG = "cdnow"
OFFERS = [
    ("cdnow-store", "The whole store", "https://cdnow.example/store"),
    ("cdnow-jazz", "Jazz and blues", "https://cdnow.example/jazz?shelf=new"),
    ("cdnow-classical", "Classical", "https://cdnow.example/classical#bestsellers"),
]
CAMPAIGNS = ["homepage", "newsletter", "review", "video", "forum", "top-100", "gift-guide"]
CLICK_COLUMNS = [
    "id",
    "at",
    "link_id",
    "affiliate_id",
    "offer_id",
    "program_id",
    "outcome",
    "bot",
    "visitor",
    "ip",
    "user_agent",
    "referrer",
    "url",
    "subs",
]
Say = Callable[[str], object]


class Story:
    """The demo of one installation. `yesterday`: where the data ends. `customers`: only the first so many (for tests)."""

    def __init__(
        self, yesterday: date, *, customers: int | None = None, say: Say = lambda text: None, worker: bool = True
    ) -> None:
        kept = Chapter.objects.filter(name__startswith="ends ").first()
        if kept is None:
            kept, _created = Chapter.objects.get_or_create(name=f"ends {yesterday.isoformat()}")
        self.yesterday = date.fromisoformat(kept.name.removeprefix("ends "))  # a load that goes on the next day keeps its days
        self.customers, self.say, self.worker = customers, say, worker
        self.first_day = self.yesterday - (LAST_DAY - FIRST_DAY)

    def tell(self) -> None:
        self._chapter("the program and its people", self._program)
        self._chapter("forty affiliates, their links and coupons", self._affiliates)
        self._chapter("their visitors' clicks", self._clicks)
        self._chapter("69,659 orders", self._orders, atomic=False)
        for month_end in self._month_ends():
            self._chapter(f"refunds, approvals and payouts of {month_end:%B %Y}", partial(self._month, month_end), atomic=False)
        self._chapter("what waits for somebody today", self._today, atomic=False)
        self._chapter("what is known", lambda: write_what_is_known(self.program))
        # Before anybody's shifts: whoever answered was there then.
        self._chapter("what affiliates asked", lambda: tell_the_inbox(self.program))
        self._chapter("the team’s shifts", lambda: plan_the_team(self.program))
        self._chapter("what the team has in hand", lambda: fill_the_desk(self.program))
        self._chapter("when it all happened", lambda: date_the_story(self.program))

    def _chapter(self, name: str, tell: Callable[[], object], *, atomic: bool = True) -> None:
        if Chapter.objects.filter(name=name).exists():
            return
        started = time.monotonic()
        if atomic:
            with transaction.atomic():
                tell()
                Chapter.objects.create(name=name)
        else:  # parts that are idempotent by themselves, in transactions of their own
            tell()
            Chapter.objects.get_or_create(name=name)
        self.say(f"{name} ({time.monotonic() - started:.0f} s)")

    # Who plays

    @cached_property
    def program(self) -> Program:
        return Program.objects.get(slug=SLUG)

    @cached_property
    def orders(self) -> list[Order]:
        return list(read_orders(self.yesterday, self.customers))

    @cached_property
    def boss(self) -> User:
        return operator()

    @cached_property
    def mara(self) -> User:
        return User.objects.get(email="mara@tributary.example")

    @cached_property
    def felix(self) -> User:
        return User.objects.get(email="felix@tributary.example")

    @cached_property
    def links(self) -> dict[tuple[str, int], Link]:
        """By the affiliate's e-mail and the offer's place in OFFERS."""
        place = {slug: n for n, (slug, _name, _url) in enumerate(OFFERS)}
        links = Link.objects.filter(offer__program=self.program).select_related("affiliate", "offer")
        return {(link.affiliate.email, place[link.offer.slug]): link for link in links if link.offer.slug in place}

    # The chapters

    def _program(self) -> None:
        began = _at(self.first_day - timedelta(days=30))
        program = create_program(
            by=self.boss,
            name="CDNOW",
            slug=SLUG,
            currency="USD",
            attribution_window_days=45,
            hold_days=30,
            minimum_payout=Decimal(20),
            fallback_url="https://cdnow.example/",
            summary="Half a million records, delivered. Earn on every order of every customer you send.",
            description="CDNOW pays for every order of a customer you brought, not just the first one. "
            "Commissions are approved every month and paid in US dollars.",
        )
        Program.objects.filter(pk=program.pk).update(created_at=began)
        make_team(program)
        publish_terms(program, TERMS, by=self.boss, at=began)
        offers = [
            create_offer(program, by=self.boss, slug=slug, name=name, landing_url=url, allowed_domains=["cdnow.example"])
            for slug, name, url in OFFERS
        ]
        Offer.objects.filter(program=program).update(created_at=began)
        percentage = partial(create_rule, program, by=self.boss, event="sale", type="percentage")
        standard = percentage(name="Standard", value=Decimal(8), starts_at=began)
        risen = _at(self.first_day + RISEN_FROM)
        revise_rule(standard, by=self.boss, type="percentage", value=Decimal(10), starts_at=risen)
        percentage(name="Classical", value=Decimal(12), offer=offers[2], starts_at=began)

    def _affiliates(self) -> None:
        joined = _at(self.first_day - timedelta(days=20))
        terms = self.program.terms.get()
        offers = list(Offer.objects.filter(slug__in=[slug for slug, _name, _url in OFFERS]).order_by("pk"))
        for place, profile in enumerate(PROFILES):
            waits = not profile.share
            since = timezone.now() - timedelta(days=number("applied", profile.email) % 5 + 1) if waits else joined
            told = {
                "name": profile.name,
                "email": profile.email,
                "country": profile.country,
                "kind": profile.kind,
                "website": f"https://{profile.email.partition('@')[2]}/",
            }
            pitch = PITCHES.get(profile.name, "")
            if waits:
                apply_to_program(self.program, **told, pitch=pitch, terms=terms.number)
                affiliate = Affiliate.objects.get(email=profile.email)
            else:
                affiliate = create_affiliate(by=self.mara, manager=self.mara, **told)
                enroll_affiliate(affiliate, self.program, by=self.mara, status="approved", pitch=pitch, at=joined, tell=False)
                self._equip(affiliate, profile, offers)
            Affiliate.objects.filter(pk=affiliate.pk).update(
                currency=profile.currency, external_id=f"A-{1001 + place}", created_at=since
            )
            affiliate.enrollments.update(created_at=since, status_at=since, terms=terms, terms_at=since)
        for model in (Link, Coupon, AffiliateMember):
            model.objects.filter(affiliate__enrollments__program=self.program).update(created_at=joined)
        ana = Affiliate.objects.get(email="ana@tributary.example")
        raised = _at(self.first_day + ANA_FROM)
        percentage = partial(create_rule, self.program, by=self.boss, event="sale", type="percentage")
        percentage(name="Ana’s rate", value=Decimal("12.5"), affiliate=ana, priority=10, starts_at=raised)

    def _equip(self, affiliate: Affiliate, profile: Profile, offers: list[Offer]) -> None:
        owner = make_person(profile.email, profile.name)
        AffiliateMember.objects.create(affiliate=affiliate, user=owner, functions=[Function.OWNER])
        name, _at_sign, domain = profile.email.partition("@")
        code = name if domain == "tributary.example" else domain.partition(".")[0]
        for place, offer in enumerate(offers, 1):
            create_link(affiliate, offer, by=owner, code=f"{code}-{place}")
        if profile.coupon:
            create_coupon(affiliate, self.program, profile.coupon, by=self.mara)
        if profile.share > 6:  # the smallest have not set one yet
            set_payout_method(affiliate, by=owner, type="paypal", currency="USD", details={"email": profile.email})

    def _clicks(self) -> None:
        make_partitions(self.first_day - timedelta(days=10), timezone.now().date() + timedelta(days=14))
        visitors = _visitors()
        for chunk in in_chunks(self._click_rows(visitors), 20_000):
            insert_rows("tracking_click", CLICK_COLUMNS, chunk)

    def _click_rows(self, visitors: list[tuple[str, str, str, bool]]) -> Iterator[tuple[Any, ...]]:
        for order, moment in self._clicked_orders():
            link = self._link_of(order.customer)
            visitor = visitors[number("visitor", order.customer) % len(visitors)]
            yield self._click_row(link, moment, visitors[0] if visitor[3] else visitor, order.id)  # bots buy no records
            for again in range(number("others", order.id) % 7):  # visits that led to nothing
                at = moment - timedelta(seconds=number("other", order.id, again) % 259_200)
                visitor = visitors[number("other visitor", order.id, again) % len(visitors)]
                yield self._click_row(link, at, visitor, order.id, again)

    def _click_row(self, link: Link, at: datetime, visitor: tuple[str, str, str, bool], *words: object) -> tuple[Any, ...]:
        ip, referrer, user_agent, bot = visitor
        who = int.from_bytes(hashlib.blake2b(f"{ip}/{user_agent}".encode(), digest_size=8).digest(), "big") >> 1
        subs = [CAMPAIGNS[number("campaign", *words) % len(CAMPAIGNS)]]
        whose = (link.pk, link.affiliate_id, link.offer_id, self.program.pk)
        return (click_id(at, *words), at, *whose, 0, bot, who, ip, user_agent, referrer, link.offer.landing_url, subs)

    def _clicked_orders(self) -> Iterator[tuple[Order, datetime]]:
        seen: set[str] = set()
        for order in self.orders:
            first = order.customer not in seen
            seen.add(order.customer)
            way = way_of(order.customer)
            if way and not way.by_coupon and (moment := clicks_before(order, first)):
                yield order, moment

    def _link_of(self, customer: str) -> Link:
        way = way_of(customer)
        assert way is not None
        return self.links[way.profile.email, offer_of(customer)]

    def _orders(self) -> None:
        clicks = {order.id: click_id(moment, order.id) for order, moment in self._clicked_orders()}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "orders.csv"
            with path.open("w", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(["order_id", "customer_id", "date", "quantity", "amount_usd", "coupon", "click_id"])
                for order in self.orders:
                    way = way_of(order.customer)
                    coupon = way.profile.coupon if way and way.by_coupon else ""
                    writer.writerow(
                        [order.id, order.customer, order.day, order.quantity, order.amount, coupon, clicks.get(order.id, "")]
                    )
            outcome = import_orders(path, self.program, by=self.boss)
        if outcome.rejected or outcome.rows != len(self.orders):
            raise RuntimeError(f"the demo's orders did not all come in: {outcome}")

    def _month_ends(self) -> Iterator[date]:
        """The last days of the months that are over and whose batch was paid; the two last months are still open."""
        day = self.first_day.replace(day=1)
        while True:
            day = (day + timedelta(days=32)).replace(day=1)
            if _at(day + timedelta(days=12)) >= timezone.now() - timedelta(days=25):
                return
            yield day - timedelta(days=1)

    def _month(self, end: date) -> None:
        """Early in the next month Mara decides and prepares the payouts; Felix approves and pays."""
        self._refunds(until=end)
        self._decide(until=end, at=_at(end + timedelta(days=3), 9))
        made = _at(end + timedelta(days=5), 10)
        batch = PayoutBatch.objects.filter(program=self.program, cutoff=made).first() or prepare_batch(
            self.program, "USD", made, by=self.mara, now=made
        )
        batch = self._computed(batch)
        if batch.status == BatchStatus.DRAFT and not batch.payouts.filter(status="ready").exists():
            cancel_batch(batch, by=self.mara)  # in the first month nothing is payable yet
        elif batch.status == BatchStatus.DRAFT:
            batch = approve_batch(batch, by=self.felix, at=_at(end + timedelta(days=6), 9))
        if batch.status == BatchStatus.APPROVED:
            paid = _at(end + timedelta(days=7), 14)
            mark_batch_paid(batch, by=self.felix, paid_at=paid, reference=f"CDNOW {end:%Y-%m}")

    def _today(self) -> None:
        """The last weeks are open: commissions to review, some on hold, a batch that waits for Felix."""
        self._refunds(until=self.yesterday)
        self._decide(until=self.yesterday - UNDECIDED, at=timezone.now() - timedelta(days=2))
        held = (
            Commission.objects.pending()
            .filter(conversion__program=self.program)
            .order_by("-amount")
            .values_list("pk", flat=True)[:6]
        )
        if held and not Commission.objects.filter(conversion__program=self.program, decision="on_hold").exists():
            hold_commissions(list(held), by=self.mara, reason_code="fraud_check", note="Unusually large orders in one week.")
        if not PayoutBatch.objects.filter(program=self.program, status__in=["computing", "draft"]).exists():
            prepare_batch(self.program, "USD", timezone.now(), by=self.mara)
        self._computed(PayoutBatch.objects.filter(program=self.program).order_by("-pk")[0])

    def _refunds(self, until: date) -> None:
        refunds = [(refund, order) for order in self.orders if (refund := refund_of(order)) and refund[0] <= until]
        known = set(Conversion.objects.filter(program=self.program, refunded__gt=0).values_list("external_id", flat=True))
        due = {order.id: refund for refund, order in refunds if order.id not in known}
        conversions = Conversion.objects.filter(program=self.program, external_id__in=due).order_by("occurred_at", "pk")
        for conversion in conversions:
            day, amount = due[conversion.external_id]
            moment = _at(day, 12)
            reason = "Returned" if amount == conversion.amount else "One record was damaged"
            external_id = f"{conversion.external_id}-r1"
            record_refund(
                conversion, external_id=external_id, amount=amount, by=self.boss, occurred_at=moment, reason=reason, now=moment
            )

    def _decide(self, until: date, at: datetime) -> None:
        pending = Commission.objects.pending().filter(
            conversion__program=self.program, occurred_at__lt=_at(until + timedelta(days=1))
        )
        rows = list(pending.values_list("pk", "conversion__external_id"))
        bad = [pk for pk, order in rows if is_bad(order)]
        good = [pk for pk, order in rows if not is_bad(order)]
        if bad:
            reject_commissions(bad, by=self.mara, reason_code="self_referral", at=at)
        for chunk in in_chunks(good, 10_000):
            approve_commissions(chunk, by=self.mara, at=at)

    def _computed(self, batch: PayoutBatch) -> PayoutBatch:
        """The batch once a worker has computed it (or, where none runs, once we have)."""
        if not self.worker:
            return compute_batch(batch.pk)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            batch = PayoutBatch.objects.select_related("program").get(pk=batch.pk)
            if batch.status != BatchStatus.COMPUTING:
                return batch
            time.sleep(0.05)
        raise RuntimeError("No worker has computed the batch within two minutes: is the Celery worker running?")


def _at(day: date, hour: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def _visitors() -> list[tuple[str, str, str, bool]]:
    """Real visitors: address, referrer, browser, and whether it is a bot."""
    detect = CrawlerDetect()
    with gzip.open(DATA / "web_visitors.csv.gz", "rt", newline="") as file:
        return [
            (row["ip"], row["referrer"], row["user_agent"], detect.isCrawler(row["user_agent"])) for row in csv.DictReader(file)
        ]
