"""The forty affiliates of the demo: fixed, plausible, invented. `share` is their part of the customers who came by someone."""

from __future__ import annotations

from typing import NamedTuple


class Profile(NamedTuple):
    name: str
    email: str
    country: str
    kind: str
    currency: str
    share: int  # of the sum of all shares; 0: has applied and waits
    coupon: str  # empty: has none


PROFILES = [
    Profile("Ana", "ana@tributary.example", "DE", "blog", "EUR", 95, ""),
    Profile("Bao", "bao@tributary.example", "VN", "video", "USD", 80, "BAO10"),
    Profile("Citra", "citra@tributary.example", "ID", "coupon", "USD", 88, "CITRA5"),
    Profile("Dmitri", "dmitri@tributary.example", "KZ", "paid", "USD", 72, ""),
    Profile("Ella", "ella@tributary.example", "PH", "blog", "USD", 3, ""),
    Profile("Vinyl Weekly", "hello@vinylweekly.example", "US", "newsletter", "USD", 52, "VINYL"),
    Profile("Groove Reviews", "team@groovereviews.example", "GB", "blog", "GBP", 48, ""),
    Profile("Deal Harbour", "partners@dealharbour.example", "US", "coupon", "USD", 61, "HARBOUR"),
    Profile("Jazzkeller Magazin", "redaktion@jazzkeller.example", "DE", "blog", "EUR", 30, ""),
    Profile("Le Disquaire", "bonjour@ledisquaire.example", "FR", "blog", "EUR", 26, ""),
    Profile("Cien Discos", "hola@ciendiscos.example", "ES", "video", "EUR", 22, "CIEN"),
    Profile("Mono & Stereo", "info@monostereo.example", "NL", "comparison", "EUR", 34, ""),
    Profile("Opera Notes", "maria@operanotes.example", "IT", "blog", "EUR", 18, ""),
    Profile("Bargain Bin", "affiliates@bargainbin.example", "CA", "coupon", "CAD", 41, "BIN15"),
    Profile("The Sleeve", "editor@thesleeve.example", "US", "newsletter", "USD", 37, ""),
    Profile("Turntable Talk", "tom@turntabletalk.example", "US", "video", "USD", 44, "TALK"),
    Profile("Soundcheck Nordic", "post@soundcheck.example", "SE", "blog", "SEK", 16, ""),
    Profile("Fjord Radio Fans", "styret@fjordfans.example", "NO", "community", "NOK", 9, ""),
    Profile("Kraków Jazz Club", "kontakt@krakowjazz.example", "PL", "community", "PLN", 11, ""),
    Profile("Record Radar", "ops@recordradar.example", "GB", "comparison", "GBP", 46, ""),
    Profile("Click Foundry", "traffic@clickfoundry.example", "CY", "paid", "USD", 33, ""),
    Profile("Media Mosaic", "desk@mediamosaic.example", "IE", "paid", "EUR", 27, ""),
    Profile("Tokyo Needle", "mail@tokyoneedle.example", "JP", "blog", "JPY", 14, ""),
    Profile("Seoul Spins", "contact@seoulspins.example", "KR", "video", "KRW", 12, "SEOUL"),
    Profile("Bollywood Bytes", "write@bollybytes.example", "IN", "video", "INR", 19, ""),
    Profile("Southern Cross CDs", "g.day@southerncross.example", "AU", "blog", "AUD", 21, ""),
    Profile("Kiwi Tracks", "kia.ora@kiwitracks.example", "NZ", "newsletter", "NZD", 7, ""),
    Profile("Samba e Choro", "ola@sambachoro.example", "BR", "blog", "BRL", 15, ""),
    Profile("Tango Tarde", "nico@tangotarde.example", "AR", "video", "USD", 8, ""),
    Profile("Mariachi Mix", "rosa@mariachimix.example", "MX", "community", "MXN", 10, "ROSA"),
    Profile("Highveld Hi-Fi", "info@highveldhifi.example", "ZA", "comparison", "ZAR", 8, ""),
    Profile("Nile Notes", "hana@nilenotes.example", "EG", "blog", "USD", 5, ""),
    Profile("Bosphorus Beats", "selam@bosphorusbeats.example", "TR", "video", "USD", 6, ""),
    Profile("Alpenklang", "servus@alpenklang.example", "AT", "newsletter", "EUR", 12, ""),
    Profile("Swiss Score", "gruezi@swissscore.example", "CH", "comparison", "CHF", 17, ""),
    Profile("Budget Beats", "codes@budgetbeats.example", "US", "coupon", "USD", 49, "BUDGET"),
    Profile("Lusofonia Discos", "ines@lusofonia.example", "PT", "blog", "EUR", 0, ""),
    Profile("Choir Corner", "hello@choircorner.example", "GB", "community", "GBP", 0, ""),
    Profile("Ad Atlas", "growth@adatlas.example", "AE", "paid", "USD", 0, ""),
    Profile("Indie Inbox", "sam@indieinbox.example", "US", "newsletter", "USD", 0, ""),
]  # fmt: skip

PITCHES = {
    "Lusofonia Discos": "Reviews of Portuguese and Cape Verdean records, 18,000 readers a month. I would link each one.",
    "Choir Corner": "A forum of 4,200 choir singers. We want to offer our members a page of recommended recordings.",
    "Ad Atlas": "Search and social campaigns in the Gulf. We would start with 5,000 USD a month.",
    "Indie Inbox": "Weekly letter on independent labels, 9,400 subscribers, half of them open it.",
}

TERMS = """1. What is paid. You earn a commission on every order of every customer whom you bring, by your link or your coupon, at the \
rate that stood when the order was made. Delivery and taxes earn nothing.

2. Whose customer it is. The last link or coupon before the first order counts, for 45 days after the click. Later orders of the \
same customer stay yours.

3. When it is paid. We check each order within a month. An approved commission becomes payable 30 days after the order; payouts \
are made monthly, from 20 USD on, in US dollars. What is below that is carried on and never lost.

4. Returns. What a customer sends back takes its share of the commission back, also after it was paid: then from the next payout. \
You never owe us money.

5. What we ask. Say openly that you earn on what you recommend. Do not bid on our name in search engines, do not set our cookies \
without a click, do not order through your own link, and send no mails to people who did not ask for them.

6. If something is wrong. We may hold or reject commissions that break point 5, and tell you why. Both sides may end this at any \
time; what you earned until then is still paid.

7. Changes. New terms come as a new version; the ones before stay readable."""
