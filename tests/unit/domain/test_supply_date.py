"""Every form in which a date is listed: it is read exactly, is an empty date, or is none; nothing raises."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from job_rows import varied
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.keys import content_digest, fingerprint, undated
from shipperone_erp.domain.order import FulfillmentOrder, OrderItem
from shipperone_erp.domain.serialization import order_text
from shipperone_erp.domain.states import Stage
from shipperone_erp.domain.supply_date import Window, allocation_accepted_at, believed, implausible
from shipperone_erp.kernel.dates import NotADate, Zones, read_date
from shipperone_erp.shipperone.order_parser import OrderWire, read_order
from tenants import tenant

BRATISLAVA = ZoneInfo("Europe/Bratislava")
TENANT = Zones(BRATISLAVA, BRATISLAVA)
LISTED = datetime(2026, 4, 1, 8, tzinfo=UTC)


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.case("M10")
@pytest.mark.parametrize(
    ("listed", "moment"),
    [
        ("2026-03-31T22:30:00+02:00", at(2026, 3, 31, 20, 30)),
        ("2026-03-31T22:30:00.250Z", at(2026, 3, 31, 22, 30, 0, 250_000)),
        ("2026-03-31T22:30:00,123456789-0530", at(2026, 4, 1, 4, 0, 0, 123_456)),
        ("2026-03-31t22:30z", at(2026, 3, 31, 22, 30)),
        ("2026-03-31T22", at(2026, 3, 31, 22)),
        ("2026-03-31T22.5Z", at(2026, 3, 31, 22, 30)),
        ("2026-03-31T22:30:00 +0200", at(2026, 3, 31, 20, 30)),
        ("2026-03-31 20:30:00 UTC", at(2026, 3, 31, 20, 30)),
        ("2026-03-31 20:30:00", at(2026, 3, 31, 20, 30)),
        (" 2026-03-31  20:30 ", at(2026, 3, 31, 20, 30)),
        ("2026-03-31T24:00:00Z", at(2026, 4, 1)),
        ("2016-12-31T23:59:60Z", at(2017, 1, 1)),
        ("2026-03-31", at(2026, 3, 31, 12)),
        ("20260331", at(2026, 3, 31, 12)),
        (20260331, at(2026, 3, 31, 12)),
        ("20260331T203000Z", at(2026, 3, 31, 20, 30)),
        ("2026-W14-2", at(2026, 3, 31, 12)),
        ("2026W142T2030Z", at(2026, 3, 31, 20, 30)),
        ("2026-090", at(2026, 3, 31, 12)),
        (1768083010, at(2026, 1, 10, 22, 10, 10)),
        ("1768083010", at(2026, 1, 10, 22, 10, 10)),
        (1768083010003, at(2026, 1, 10, 22, 10, 10, 3000)),
        ("1768083010003", at(2026, 1, 10, 22, 10, 10, 3000)),
        (Decimal("1768083010.25"), at(2026, 1, 10, 22, 10, 10, 250_000)),
    ],
)
def test_a_date_is_read_as_it_is_written(listed, moment):
    assert read_date(listed, Zones()) == moment
    assert read_order(raw(shipped_at=listed), {}).shipped_at == moment


@pytest.mark.case("M10")
@pytest.mark.parametrize(
    "listed",
    [
        "0001-01-01T00:00:00", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00-05:00", "0001-01-01T00:00:00+01:00",
        "0000-12-31T22:51:32Z", "0001-01-01", "1753-01-01T00:00:00", "1753-01-01", "1752-12-31T23:00:00Z", "1601-01-01",
        "1899-12-30T00:00:00", "1900-01-01", "1970-01-01T00:00:00", "1970-01-01T01:00:00+01:00", "1969-12-31T19:00:00",
        "1970-01-01T05:30:00", 0, "0", "0000-00-00", "0000-00-00 00:00:00", -62135596800, -62135596800000, "", "  ",
    ],
)  # fmt: skip
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"])
def test_an_empty_date_of_any_system_is_absent_wherever_it_was_converted(listed, zone):
    assert read_date(listed, Zones.of(zone, "tenant")) is None


@pytest.mark.case("M10")
@pytest.mark.parametrize(
    "listed",
    [
        "31.3.2026", "2026-02-30", "2026-13-01", "2026-366", "2026-W54-1", "2026-W14", "2026-03", "2026-03-31T25:00",
        "2026-03-31T24:01", "2026-03-31T22:60", "2026-03-31T22:30+25:00", "yesterday", "2026", 2026, -1, "20260110123000",
        "99999999999999999999", "1e400", 1e300, float("nan"), "NaN", "9999-12-31T23:59:59-05:00",
        "9999-12-31T23:59:59.9999999Z", "1768-08-30T00:03:00", "٢٠٢٦-03-31", "2026-03-31T22:30:00Z; x",
    ],
)  # fmt: skip
def test_an_invalid_date_is_never_guessed(listed):
    assert read_date(listed, Zones()) == NotADate(str(listed))


@pytest.mark.case("M10")
def test_times_without_an_offset_are_in_the_tenants_zone_only_if_configured():
    assert read_date("2026-03-31 20:30:00", Zones.of("Europe/Bratislava", "utc")) == at(2026, 3, 31, 20, 30)
    assert read_date("2026-03-31 20:30:00", TENANT) == at(2026, 3, 31, 18, 30)
    assert read_date("2026-03-31 20:30:00Z", TENANT) == at(2026, 3, 31, 20, 30)


@pytest.mark.case("M10")
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "Pacific/Kiritimati", "Etc/GMT+12"])
@pytest.mark.parametrize("without", ["utc", "tenant"])
def test_a_bare_date_is_that_day_wherever_the_tenant_is(zone, without):
    moment = read_date("2026-03-31", Zones.of(zone, without))
    assert moment is not None
    assert str(moment.astimezone(ZoneInfo(zone)).date()) == "2026-03-31"


@pytest.mark.case("M10")
def test_nothing_that_is_listed_raises():
    chance = random.Random(15)
    alphabet = "0123456789-:TZ+. W,eE"
    for _ in range(3000):
        text = "".join(chance.choices(alphabet, k=chance.randint(0, 26)))
        found = read_date(text, TENANT)
        assert found is None or isinstance(found, datetime | NotADate)


# --- in an order


def raw(**fields):
    items = [{"id": 1, "sku": "MUG", "qty": 1, "row_total_incl_tax": "10.00"}]
    return {"order_id": "FO-1", "warehouse_code": "main", "items": items, **fields}


@pytest.mark.case("M10")
def test_a_date_that_is_none_hides_no_order_and_stays_with_it():
    order = read_order(raw(ordered_at="soon", shipped_at="31.3.2026"), {})
    assert (order.ordered_at, order.shipped_at) == (None, None)
    assert order.extra == {"ordered_at": "soon", "shipped_at": "31.3.2026"}
    assert read_order(raw(when={"sent": ["x"]}), {"shipped_at": "when.sent"}).shipped_at is None


@pytest.mark.case("M10")
def test_an_empty_date_leaves_its_place_to_the_next_name():
    order = read_order(raw(shipped_at="0001-01-01T00:00:00", dispatched_at="2026-03-31 20:30:00"), {})
    assert order.shipped_at == at(2026, 3, 31, 20, 30)
    assert order.extra == {}


@pytest.mark.case("M10")
def test_dates_are_kept_as_they_are_listed_for_sentences():
    wire = OrderWire({"shipped_at": "when.sent"})
    assert wire.dates(raw(when={"sent": 4070912400000}, ordered_at="1753-01-01")) == {"shipped_at": "4070912400000"}
    assert wire.dates("nothing") == {}


def an_order(**fields) -> FulfillmentOrder:
    item = OrderItem(item_id=1, sku="MUG", qty=Decimal(1))
    return FulfillmentOrder(order_id="FO-1", warehouse_code="main", items=(item,), **fields)


@pytest.mark.case("M10")
def test_another_date_is_no_other_order_and_no_other_key():
    before, after = an_order(shipped_at=at(2026, 3, 31)), an_order(ordered_at=at(2026, 3, 1))
    assert fingerprint(before) != fingerprint(after)
    assert undated(before) == undated(after)
    for stage in Stage:
        assert content_digest("https://a", "s", stage, before) == content_digest("https://a", "s", stage, after)
    assert undated(an_order(currency="EUR")) != undated(an_order())


# --- what can be true


@pytest.mark.case("M10")
@pytest.mark.parametrize(
    ("shipped_at", "why"),
    [
        (LISTED, None),
        (LISTED + timedelta(hours=24), None),
        (LISTED + timedelta(hours=25), "more than a day after the order was first listed (2026-04-01 08:00 UTC)"),
        (LISTED - timedelta(days=366), None),
        (LISTED - timedelta(days=367), "more than 366d before it was first listed (2026-04-01 08:00 UTC), and the"),
    ],
)
def test_without_an_allocation_a_parcel_is_no_older_than_oldest_date_and_not_of_tomorrow(shipped_at, why):
    sentence = implausible(an_order(shipped_at=shipped_at), tenant(), Window.of(tenant(), LISTED, None))
    assert (sentence is None) if why is None else why in (sentence or "")


@pytest.mark.case("M10")
@pytest.mark.parametrize(("hours", "true"), [(23, True), (25, False)])
def test_a_parcel_leaves_no_earlier_than_a_day_before_its_allocation_was_accepted(hours, true):
    allocated = LISTED - timedelta(days=3)
    window = Window.of(tenant(), LISTED, allocated)
    sentence = implausible(an_order(shipped_at=allocated - timedelta(hours=hours)), tenant(), window)
    assert (sentence is None) is true, sentence


@pytest.mark.case("M10")
def test_only_the_date_that_tax_date_uses_is_judged():
    window = Window.of(tenant(), LISTED, None)
    order = an_order(shipped_at=at(2099, 1, 1), ordered_at=at(2099, 1, 1))
    assert implausible(order, tenant(tax_date="first_listed"), window) is None
    assert implausible(order, tenant(tax_date="issued"), window) is None
    assert implausible(replace(order, shipped_at=None), tenant(), window) is None
    sentence = implausible(order, tenant(), window, listed="4070912400000")
    assert "ShipperOne lists 4070912400000 as its shipped_at" in (sentence or "")


def a_job(**fields) -> Job:
    order = an_order()
    return Job(
        id=1, tenant="acme", stage=Stage.ALLOCATION, order_id="FO-1", key="a-1", content="c", fingerprint="f",
        order_json=order_text(order), item_ids=(1,), since=LISTED, first_listed_at=LISTED, **fields,
    )  # fmt: skip


@pytest.mark.case("M10")
def test_an_inferred_or_adopted_job_dates_no_parcel():
    later = LISTED + timedelta(days=9)
    assert allocation_accepted_at([a_job(accepted_at=later)]) == later
    assert allocation_accepted_at([a_job(accepted_at=later, inferred=True)]) == LISTED
    assert allocation_accepted_at([a_job(accepted_at=later, adopted_at=LISTED), a_job()]) is None


@pytest.mark.case("M10")
def test_connectors_get_no_date_of_the_future():
    job = a_job()
    order = an_order(shipped_at=at(2099, 1, 1), ordered_at=at(2026, 3, 1))
    assert believed(order, job) == replace(order, shipped_at=None)
    assert believed(an_order(ordered_at=datetime.min.replace(tzinfo=UTC)), job).ordered_at is None
    set_by_hand = varied(job, supply_date=at(2026, 3, 30).date())
    assert believed(an_order(shipped_at=at(2026, 3, 31)), set_by_hand).shipped_at is None
