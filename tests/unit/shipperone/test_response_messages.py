"""The message of a response, for operators."""

from typing import Any

import pytest

from shipperone_erp.shipperone import response_messages


@pytest.mark.case("H1")
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"message": "Item %1 of %2", "parameters": ["55501", "FO-1"]}, "Item 55501 of FO-1"),
        ({"message": "Item %id is %state", "parameters": {"id": 55501, "state": "shipped"}}, "Item 55501 is shipped"),
        ({"message": "%1 %2", "parameters": ["only one"]}, "only one %2"),
        ({"message": "%resources is denied", "parameters": {"other": 1}}, "%resources is denied"),
        ({"message": "%1", "parameters": ["%2", "no"]}, "%2"),
        ({"message": "%10 %1", "parameters": list("abcdefghij")}, "j a"),
        ({"message": "20% off, %1"}, "20% off, %1"),
        ({"message": "%1 %2", "parameters": {"1": "a", "2": None}}, "a"),
        ({"message": "ids %1", "parameters": [[1, 2]]}, "ids [1,2]"),
        (
            {"message": "Two things", "errors": [{"message": "%f is wrong", "parameters": {"f": "qty"}}, {"message": "B"}]},
            "Two things; qty is wrong; B",
        ),
        (
            {"message": "L’article %1 n’est pas expédié ; attendu %amount", "parameters": {"1": 5, "amount": "4,99 €"}},
            "L’article 5 n’est pas expédié ; attendu 4,99 €",
        ),
        ({"error": {"message": "nested"}}, "nested"),
        ({"error": "invalid_token", "error_description": "it is old"}, "it is old"),
        ({"detail": "a\n  b\x00"}, "a b"),
        ([{"message": "a"}, {"message": "b"}], "a; b"),
        ("plain", "plain"),
        ({}, ""),
        (None, ""),
        ({"message": None, "parameters": 5}, ""),
    ],
)  # fmt: skip
def test_placeholders_of_both_forms(body: Any, expected: str) -> None:
    assert response_messages.of_json(body) == expected


@pytest.mark.case("H1")
def test_a_long_message_is_cut() -> None:
    assert len(response_messages.of_json({"message": "x" * 5000})) == response_messages.LONGEST


@pytest.mark.case("H3")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "an empty body"),
        (" \n", "an empty body"),
        ("<html><head><TITLE>\n502 Bad&nbsp;Gateway &amp; more</TITLE></head>", "a page, “502 Bad Gateway & more”"),
        ("<!doctype html><title>Cut off", "a page, “Cut off”"),
        ("<p>Jana Nováková</p>", "a page without a title"),
        ('{"items": [{"name": "Jana"', "broken JSON (26 characters)"),
        ("Jana Nováková", "no JSON (13 characters)"),
    ],
)
def test_a_response_that_is_no_json_is_described_and_not_quoted(text: str, expected: str) -> None:
    assert response_messages.of_page(text) == expected


@pytest.mark.case("H6")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Internal Error. Details are available in Magento log file. Report ID: webapi-6051ed8ba51f8", "webapi-6051ed8ba51f8"),
        ("Erreur interne. Identifiant du rapport : webapi-6051ed8ba51f8", "webapi-6051ed8ba51f8"),
        ("<b>Error log record number: 1203948123</b>", "1203948123"),
        ("report id 5f3e-aa01", "5f3e-aa01"),
        ("nothing of the kind", None),
    ],
)  # fmt: skip
def test_the_report_id_is_found(text: str, expected: str | None) -> None:
    assert response_messages.report_id(text) == expected
