"""Personal data in a sentence is found in any spelling."""

import re
import sys

import pytest

from shipperone_erp import FulfillmentOrder, OrderItem, Party
from shipperone_erp.domain.personal_data import _folded, discreet


def test_letters_that_a_pattern_takes_for_equal_are_equal_when_folded():
    """A name is looked for by a pattern only where its folded text is found, so none may be lost by that."""
    cased = [sign for sign in map(chr, range(sys.maxunicode + 1)) if sign.lower() != sign]
    pairs = [(sign, lower) for sign in cased for lower in {sign.lower()[0], sign.lower().upper()[0]}]
    pairs += [
        ("i", "\u0131"),
        ("s", "ſ"),
        ("k", "\N{KELVIN SIGN}"),
        ("ß", "ẞ"),
        ("\u03c2", "\u03c3"),
        ("\u00b5", "\u03bc"),
        ("i", "\u0130"),
    ]
    equal = [(one, other) for one, other in pairs if re.fullmatch(re.escape(one), other, re.IGNORECASE)]
    assert len(equal) > len(cased)
    assert [pair for pair in equal if _folded(pair[0]) != _folded(pair[1])] == []


@pytest.mark.parametrize(
    ("name", "sentence", "left"),
    [
        ("Ján Kováč", "invoice of JÁN KOVÁČ is there", "invoice of … is there"),
        ("Irmak", "sent to \u0131rmak", "sent to …"),
        ("İrem Kaya", "sent to irem", "sent to …"),
        ("Weiß", "WEIẞ did not answer", "… did not answer"),
        ("Kova", "Kovacs is another", "Kovacs is another"),
        ("Dora", "accepted", "accepted"),
    ],
)
def test_a_name_is_masked_in_any_case(name, sentence, left):
    item = OrderItem(item_id=1, sku="MUG", qty=1)
    order = FulfillmentOrder("1", "main", (item,), customer=Party(name=name))
    assert discreet(sentence, [order]) == left
