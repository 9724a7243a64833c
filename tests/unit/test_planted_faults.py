"""The faults that `nox -s faults` plants can be planted, and the tests that must notice them are there."""

import pytest

from places import ROOT, TESTS
from planted_faults import FAULTS, planted


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.what)
def test_it_can_be_planted_and_its_tests_exist(fault):
    text = (ROOT / fault.module).read_text(encoding="utf-8")
    assert planted(fault, text) != text
    assert all((TESTS / test).exists() for test in fault.tests.split())
