"""The small charts of the overview: heights, and readability without colour."""

from datetime import timedelta

from ledger_databases import NOON
from shipperone_erp.operations.throughput import Span
from shipperone_erp.web.formatting import ages, bars, minutes


def spans(*minutes):
    return [Span(NOON + timedelta(hours=number), 10, 5, one) for number, one in enumerate(minutes)]


def test_the_longest_median_is_as_high_as_the_chart_and_the_others_in_proportion():
    assert ages(spans(2.0, None, 8.0, 0.001)) == [{"x": 0, "age": 6}, {"x": 20, "age": 24}, {"x": 30, "age": 1}]
    assert ages(spans(None)) == []
    assert ages(spans(0.0)) == [{"x": 0, "age": 1}]


def test_the_bars_show_what_was_listed_and_what_is_done_of_it():
    assert bars(spans(None)) == [{"x": 0, "listed": 40, "done": 20}]


def test_a_short_duration_is_shown_in_seconds():
    assert [minutes(length) for length in (0.0, 0.2, 1.99, 2.0, 75.25)] == [
        "0 s",
        "12 s",
        "119 s",
        "2.0 min",
        "75.2 min",
    ]
