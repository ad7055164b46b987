"""What affiliates asked in the demo, and what they were answered: invented, as such things are asked everywhere."""

from __future__ import annotations

from typing import NamedTuple


class Step(NamedTuple):
    """Minutes after the step before it. `by`: "" is the affiliate. `does`: in, word (a first word), out, note, resolved, on_hold."""

    after: float
    does: str
    by: str
    text: str = ""


class Talk(NamedTuple):
    who: str  # an affiliate's e-mail
    days_ago: float
    subject: str
    steps: list[Step]
    door: str = "portal"
    type: str = "question"
    tags: tuple[str, ...] = ()
    score: int = 0  # what the affiliate thought of it, 1 to 5; 0: said nothing
    why: str = ""


class Theme(NamedTuple):
    """A question that comes again and again, with its answers."""

    type: str
    tag: str
    asks: list[str]
    answers: list[str]
    person: str


THEMES = [
    Theme("question", "payout", [
        "When do I get my money for last month?",
        "Hi, my October commissions still say approved and not payable. Why?",
        "Is there a way to be paid twice a month?",
    ], [
        "Your commissions become payable 30 days after each order, and we pay early in every month. What is payable today is in the next payout; "
        "you see both under Money.",
        "They are approved and still in their hold: until 30 days after the order it can be returned. The first of them become payable this week.",
        "Payouts are monthly for everybody. Nothing is lost in between: what is payable waits for the next one, whatever the amount.",
    ], "sofia"),
    Theme("technical", "tracking", [
        "I clicked my own link to test it and see no click in the numbers.",
        "Does the link still count when I put it behind my own redirect?",
        "Can I pass my campaign id so that I see which post sold?",
    ], [
        "Clicks appear within seconds. The one you made carries a bot's user agent, as your preview tool does; such clicks are kept and not counted.",
        "Yes, as long as your redirect keeps the whole address. I opened it just now and the click arrived.",
        "Yes: add ?sub1=your-campaign to the link. Reports can be grouped by it.",
    ], "sofia"),
    Theme("question", "links", [
        "Which of the three offers fits a jazz blog best?",
        "May I link to a single record rather than to the shop?",
        "Could I have a coupon with my name?",
    ], [
        "Jazz and blues: visitors of blogs like yours buy there more than twice as often as in the whole store.",
        "Yes. Put the record's address into the link builder; the shop's own address is always allowed.",
        "Gladly. I have made one for you, it stands under Links and works from now on.",
    ], "mara"),
    Theme("question", "terms", [
        "What counts as bidding on your name?",
        "Do you pay for orders that came by my newsletter and my coupon together?",
    ], [
        "Any search ad that is shown for our name or a misspelling of it, also with other words beside it. Your own name and the artists' are fine.",
        "Once: the last link or coupon before the first order counts. Both are yours, so it is yours either way.",
    ], "mara"),
]  # fmt: skip

TALKS = [
    Talk("dmitri@tributary.example", 9, "Order 48211 is not in my list", [
        Step(0, "in", "", "A customer told me he bought on Sunday by my link. The order number is 48211 and I cannot find it."),
        Step(3, "word", "sofia", "Thank you, I am looking for it now and write to you within half an hour."),
        Step(11, "note", "sofia", "No click of his from that customer on Sunday; credited to nobody. Is the chain cut by a redirect?"),
        Step(14, "out", "sofia", "Found it: your landing page dropped the click id when it sent him on, so the order came to us without a link. "
             "I have sent you the line that keeps it. This order I have passed on to Mara, who decides about it."),
        Step(300, "in", "", "The page is mended now, thank you. What about that order?"),
        Step(22, "out", "mara", "It is yours: I have credited it by hand, you will see it under Commissions within the hour."),
        Step(5, "resolved", "mara"),
    ], "email", "technical", ("tracking",), 5, "Quick, and they found the real reason."),
    Talk("citra@tributary.example", 4, "Coupon CITRA5 is refused in the shop", [
        Step(0, "in", "", "Three people write that CITRA5 is refused at the till. It is on my front page today. Please hurry."),
        Step(2, "word", "sofia", "I see it too. An engineer of the shop is being called."),
        Step(18, "out", "sofia", "The shop had stopped all coupons by mistake at noon. They work again since 14:05; I have tried yours."),
        Step(3, "in", "", "Works. Thank you for being so quick."),
        Step(4, "resolved", "sofia"),
    ], "portal", "technical", ("coupon",), 5),
    Talk("bao@tributary.example", 2.2, "Better rate for the video channel", [
        Step(0, "in", "", "My channel brought 400 orders in the last months. A competitor offers 14 %. Can you match it?"),
        Step(7, "word", "mara", "Thank you for telling me, Bao. I look at your numbers today and come back with an answer tomorrow."),
        Step(190, "note", "mara", "His orders are returned half as often as others'. Hana would have to agree to more than 12 %."),
        Step(2, "on_hold", "mara"),
    ], "portal", "terms", ("terms",)),
    Talk("tom@turntabletalk.example", 0.001, "Is the spring sale on for Canada too?", [
        Step(0, "in", "", "Recording tomorrow morning: does the sale hold for Canada as well, and until when?"),
    ], "portal"),
    Talk("ana@tributary.example", 0.012, "My numbers of Tuesday", [
        Step(0, "in", "", "Hello Mara, Tuesday shows 212 clicks and not one order. That cannot be right, can it?"),
        Step(2, "word", "mara", "Good morning Ana, I am looking at it."),
    ], "portal", "technical", ("tracking",)),
    Talk("traffic@clickfoundry.example", 0.004, "Postback does not fire", [
        Step(0, "in", "", "Since your update our tracker gets no postbacks any more. We spend 900 USD a day on this. Log attached in the next mail."),
    ], "email", "technical", ("tracking",)),
    Talk("ella@tributary.example", 0.3, "First link", [
        Step(0, "in", "", "Sorry for the silly question: where do I put the link? I have a blog about choirs."),
        Step(4, "out", "sofia", "Not silly at all. Where you mention a record: mark its name, press your editor's chain symbol, paste your link from "
             "the page Links. Send me the post when it is up and I check that it counts."),
    ]),
    Talk("codes@budgetbeats.example", 1.4, "Payout to a new account", [
        Step(0, "in", "", "We changed our bank. Can you put the new IBAN in for us?"),
        Step(5, "out", "sofia", "For your safety only you can do that: under Money, Payout method. A new account is used after three days."),
        Step(40, "in", "", "Done."),
        Step(3, "out", "sofia", "I see it. The next payout goes there."),
        Step(1, "resolved", "sofia"),
    ], "portal", "question", ("payout",), 4),
]  # fmt: skip

STRANGER = b"""From: Marta Lind <marta@northernpost.example>\r
To: partners@cdnow.example\r
Subject: Cooperation with our classical newsletter\r
Message-ID: <cooperation-1@northernpost.example>\r
Content-Type: text/plain; charset=utf-8\r
\r
Hello,\r
\r
we send a letter on classical recordings to 31,000 readers in Scandinavia every second week and would like to work with you.\r
Whom do I talk to?\r
\r
Kind regards\r
Marta Lind\r
"""
NAMELESS = b"""To: partners@cdnow.example\r
Subject: Re: Your order\r
Message-ID: <nameless-1@relay.example>\r
Content-Type: text/plain; charset=utf-8\r
\r
I wrote to you last week about my commissions and heard nothing. Please call me back.\r
"""
ARTICLES = [
    ("money", True, "When do I get my money?", """Each commission goes the same way: **pending** until we have checked the order, **approved**, and \
**payable** 30 days after the order. Early in every month all that is payable is paid, from 20 USD on. What is below that waits for the next month \
and is never lost.

Under *Money* you see what is where, and what is missing, if anything: a payout method, or the minimum."""),
    ("start", True, "Your first link", """1. Open *Links* and choose an offer.
2. Copy the address, or the QR code.
3. Put it where you mention the record, and say openly that you earn on it.

Open the link once yourself: the click appears under *Numbers* within seconds."""),
    ("links", False, "Which post sold? Sub-ids", """Add `?sub1=` and a name of yours to any link: `…/r/abc123?sub1=jazz-review`. There are twelve, \
`sub1` to `sub12`. Under *Numbers* you can group by each."""),
    ("links", False, "Why a sale is missing", """The three usual reasons:

- A redirect on the way dropped the query. Keep the whole address.
- The customer had come by somebody else's link later. The last link before the first order counts.
- The customer bought after more than 45 days.

If none fits, write to us under *Help* with the order's number, and we look at it together."""),
]  # fmt: skip
NOTES_FOR_US = [
    ("brand", "What partners may say about the shop", """Say *the shop*, never *the official store of* an artist. Delivery takes three to five days: \
never promise less."""),
    ("how_to", "A claim: what to look at first", """1. The debugger, with the order's number.
2. Clicks of the customer in the window before.
3. Only then ask the affiliate, and ask one precise thing."""),
]  # fmt: skip
MACROS = [
    ("First word", "Thank you, {{ first_name }}, I am looking at it and write to you within half an hour."),
    ("When is my payout?", "{{ first_name }}, payable today: {{ payable }}. Payouts are made early in every month, from {{ minimum }} on. {{ me }}"),
    ("Your link", "Here is your link, {{ first_name }}: {{ link }} ({{ offer }}). Add ?sub1=… to see which post sold."),
]  # fmt: skip
