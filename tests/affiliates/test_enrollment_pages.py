from affiliates.models import Enrollment
from tests.factories import event_names, mails_to, make_affiliate, make_enrollment
from tests.pages import assert_same_queries, text_of

LIST = "/manage/enrollments/"


def names_in(response) -> list[str]:
    return [row.object.affiliate.name for row in response.context["listing"].rows]


def test_what_waits_stands_first_with_its_pitch(as_person, mara, music, ana, ella):
    ella.enrollments.update(pitch="I review records of Manila.")
    answer = as_person(mara).get(LIST)

    assert names_in(answer) == ["Ella", "Ana"]
    assert "I review records of Manila." in text_of(answer)


def test_many_are_approved_at_once_and_told_by_mail(as_person, mara, music, ella):
    other = make_enrollment(make_affiliate("fay@tributary.example"), music, "pending")
    chosen = [ella.enrollments.get().pk, other.pk]
    answer = as_person(mara).post(LIST + "approve/", {"selected": chosen, "matching": ""}, follow=True)

    assert "2 enrollments approved" in text_of(answer)
    assert set(Enrollment.objects.values_list("status", flat=True)) == {"approved"}
    assert len(mails_to("fay@tributary.example")) == 1


def test_all_that_match_are_approved_and_no_others(as_person, mara, music, ana, ella):
    post = {"all_matching": "1", "matching_count": "1", "matching": "status=pending"}
    as_person(mara).post(LIST + "approve/", post)

    assert event_names(ella)[-1] == "enrollment.approved"


def test_one_that_was_decided_meanwhile_stops_the_whole_set(as_person, mara, ana, ella):
    chosen = [e.pk for e in Enrollment.objects.all()]
    answer = as_person(mara).post(LIST + "approve/", {"selected": chosen, "matching": ""}, follow=True)

    assert "cannot become approved" in text_of(answer)
    assert ella.enrollments.get().status == "pending"


def test_rejecting_asks_why(as_person, mara, ella):
    browser, chosen = as_person(mara), [ella.enrollments.get().pk]

    answer = browser.post(LIST + "reject/", {"selected": chosen, "matching": "", "reason": " "}, follow=True)
    assert "Nothing was rejected" in text_of(answer)
    browser.post(LIST + "reject/", {"selected": chosen, "matching": "", "reason": "No website"})
    enrollment = ella.enrollments.get()
    assert (enrollment.status, enrollment.reason) == ("rejected", "No website")


def test_enrollments_of_other_programs_are_neither_shown_nor_decided(as_person, nils, books, ella):
    browser = as_person(nils)
    theirs = ella.enrollments.get()

    assert "Ella" not in text_of(browser.get(LIST))
    browser.post(LIST + "approve/", {"selected": [theirs.pk], "matching": ""})
    assert browser.post(f"{LIST}{theirs.public_id}/change/", {"status": "approved"}).status_code == 404
    assert ella.enrollments.get().status == "pending"


def test_suspending_one_asks_why_and_says_what_became_of_it(as_person, mara, ana):
    browser, url = as_person(mara), f"{LIST}{ana.enrollments.get().public_id}/change/"

    assert "Say why" in text_of(browser.post(url, {"status": "suspended"}, follow=True))
    answer = browser.post(url, {"status": "suspended", "reason": "Bids on the brand"}, follow=True)
    assert "Ana is now suspended in Music" in text_of(answer)
    assert "Bids on the brand" in text_of(answer)
    assert ana.enrollments.get().status == "suspended"


def test_a_move_that_is_none_is_refused_in_words(as_person, mara, ana):
    url = f"{LIST}{ana.enrollments.get().public_id}/change/"

    answer = as_person(mara).post(url, {"status": "pending"}, follow=True)
    assert "cannot become pending" in text_of(answer)
    assert "Select a valid choice" in text_of(as_person(mara).post(url, {"status": "king"}, follow=True))


def test_support_sees_the_list_without_buttons(as_person, sofia, ella):
    browser = as_person(sofia)

    assert "Ella" in text_of(browser.get(LIST))
    assert "formaction" not in browser.get(LIST).content.decode()
    assert browser.post(LIST + "approve/", {"selected": [ella.enrollments.get().pk]}).status_code == 403


def test_the_list_takes_the_same_queries_for_one_and_for_a_hundred(as_person, mara, music, ella):
    def add() -> None:
        for _number in range(99):
            make_enrollment(make_affiliate(), music, "pending")

    assert_same_queries(as_person(mara), LIST, add)
