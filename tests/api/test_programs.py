from tests.api.client import errors

PROGRAM = {
    "name": "CDs",
    "slug": "cds",
    "currency": "USD",
    "attribution_model": "last_click",
    "attribution_window_days": 30,
    "hold_days": 14,
    "minimum_payout": "25.50",
}


def test_a_program_is_created_and_read_back(ada_api):
    created = ada_api.post("programs", PROGRAM)

    assert created.status_code == 201
    answer = created.json()
    assert answer["id"].startswith("prg_")
    assert {name: answer[name] for name in PROGRAM} == PROGRAM
    assert ada_api.get(f"programs/{answer['id']}").json() == answer
    assert ada_api.get("programs/cds").json() == answer


def test_a_taken_slug_is_a_conflict(ada_api, music):
    answer = ada_api.post("programs", PROGRAM | {"slug": "music"})

    assert answer.status_code == 409
    assert errors(answer) == [("slug", "duplicate")]


def test_every_wrong_field_is_named_at_once(ada_api):
    answer = ada_api.post(
        "programs", {"name": 5, "slug": "a b", "currency": "usd", "minimum_payout": -12.5, "hold_days": "14", "colour": 1}
    )

    assert answer.status_code == 400
    assert sorted(errors(answer)) == [
        ("colour", "unknown"),
        ("currency", "currency"),
        ("hold_days", "invalid"),
        ("minimum_payout", "amount"),
        ("name", "invalid"),
        ("slug", "invalid"),
    ]


def test_a_minimum_with_more_decimals_than_the_currency_is_refused(ada_api):
    answer = ada_api.post("programs", PROGRAM | {"currency": "JPY"})

    assert errors(answer) == [("minimum_payout", "decimals")]


def test_a_key_for_given_programs_makes_no_new_one(mara_api):
    answer = mara_api.post("programs", PROGRAM)

    assert answer.status_code == 403
    assert errors(answer) == [(None, "forbidden")]


def test_a_change_leaves_the_rest_as_it_was(mara_api, music):
    answer = mara_api.patch("programs/music", {"hold_days": 7, "summary": "Records"})

    assert answer.status_code == 200
    music.refresh_from_db()
    assert (music.hold_days, music.summary, music.name) == (7, "Records", "Music")
    refused = mara_api.patch("programs/music", {"minimum_payout": None})
    assert (refused.status_code, errors(refused)) == (400, [("minimum_payout", "invalid")])
    emptied = mara_api.patch("programs/music", {"summary": None})
    assert emptied.json()["summary"] is None


def test_a_change_of_currency_is_refused(mara_api, music):
    answer = mara_api.patch("programs/music", {"currency": "EUR"})

    assert answer.status_code == 400
    assert errors(answer) == [("currency", "unknown")]


def test_another_program_looks_absent(mara_api, books):
    absent = mara_api.get("programs/nowhere").json()
    others = mara_api.get("programs/books").json()

    assert (absent["status"], absent["errors"]) == (404, others["errors"])
    assert mara_api.patch("programs/books", {"name": "Mine"}).status_code == 404


def test_offers_are_created_listed_and_changed(mara_api, music, books_offer):
    created = mara_api.post(
        "offers",
        {"program": "music", "name": "Vinyl shop", "landing_url": "https://vinyl.example/", "allowed_domains": ["Sale.Example"]},
    )

    assert created.status_code == 201
    offer = created.json()
    assert (offer["slug"], offer["allowed_domains"], offer["program"]) == ("vinyl-shop", ["sale.example"], music.public_id)
    assert [row["id"] for row in mara_api.get("offers").json()["results"]] == [offer["id"]]
    paused = mara_api.patch("offers/vinyl-shop", {"status": "paused"})
    assert paused.json()["status"] == "paused"


def test_an_offer_needs_a_program_that_the_key_sees(mara_api, books):
    for program in ("books", "nowhere"):
        answer = mara_api.post("offers", {"program": program, "name": "Shop", "landing_url": "https://shop.example/"})
        assert (answer.status_code, errors(answer)) == (400, [("program", "not_found")])


def test_an_offer_takes_bare_domains_and_web_addresses_alone(mara_api, music):
    wrong = {"program": "music", "name": "Shop", "landing_url": "javascript:alert(1)"}
    assert errors(mara_api.post("offers", wrong)) == [("landing_url", "invalid")]

    wrong |= {"landing_url": "https://shop.example/", "allowed_domains": ["https://shop.example/"]}
    assert errors(mara_api.post("offers", wrong)) == [("allowed_domains", "invalid")]
