import pytest

from affiliates.models import Affiliate
from affiliates.services import AffiliateError, create_affiliate, update_affiliate
from core.access import AccessError
from core.errors import Conflict
from core.models import Event
from tests.factories import event_names, make_affiliate


def test_a_new_affiliate_is_recorded(mara):
    affiliate = create_affiliate(by=mara, email=" Fay@Tributary.example ", name="Fay", country="FR", external_id="A-1")

    assert (affiliate.email, affiliate.country) == ("fay@tributary.example", "FR")
    assert event_names(affiliate) == ["affiliate.created"]
    assert Event.objects.get().by == mara


@pytest.mark.parametrize("fields", [{"email": "ANA@tributary.example"}, {"email": "x@tributary.example", "external_id": "A-1"}])
def test_an_email_or_external_id_stands_for_one_affiliate(mara, ana, fields):
    Affiliate.objects.filter(pk=ana.pk).update(external_id="A-1")

    with pytest.raises(Conflict):
        create_affiliate(by=mara, name="Another", **fields)

    assert event_names() == []


def test_two_without_an_external_id_are_no_conflict(mara):
    create_affiliate(by=mara, email="a@tributary.example", name="A", external_id="")
    create_affiliate(by=mara, email="b@tributary.example", name="B", external_id="")


@pytest.mark.parametrize("fields", [{"country": "Germany"}, {"website": "javascript:alert(1)"}, {"name": ""}, {"kind": "ghost"}])
def test_what_does_not_fit_is_refused_by_field(mara, fields):
    with pytest.raises(AffiliateError) as refused:
        create_affiliate(by=mara, **{"email": "fay@tributary.example", "name": "Fay", **fields})

    assert refused.value.field in fields


def test_support_creates_none(sofia):
    with pytest.raises(AccessError):
        create_affiliate(by=sofia, email="fay@tributary.example", name="Fay")


def test_a_change_names_its_fields_and_no_change_is_no_event(mara, ana):
    update_affiliate(ana, by=mara, name="Ana B.", country="DE")
    update_affiliate(ana, by=mara, name="Ana B.")

    assert [event.data for event in Event.objects.all()] == [{"fields": "name"}]


def test_another_programs_manager_changes_nothing(nils, ana):
    with pytest.raises(AccessError):
        update_affiliate(ana, by=nils, name="Mine now")


def test_nobody_stands_above_themselves(mara, ana):
    child = make_affiliate(parent=ana)
    with pytest.raises(AffiliateError, match="recruited"):
        update_affiliate(ana, by=mara, parent=child)


def test_a_personal_manager_manages_affiliates(mara, felix, ana):
    with pytest.raises(AffiliateError, match="does not manage"):
        update_affiliate(ana, by=mara, manager=felix)

    update_affiliate(ana, by=mara, manager=mara)
