"""docs/reference/errors.md lists every message: provoked ones are found in it, with the page about each."""

import re
from pathlib import Path

import pytest

import docs_messages
from places import page_file
from shipperone_erp.config import load
from shipperone_erp.kernel.errors import ConfigurationError, LedgerError, UsageError
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.queue_files import read_file


def page_of(text: str) -> set[str]:
    """The pages of the messages that this is one of."""
    return {
        message.page
        for message in docs_messages.messages()
        if re.fullmatch(".+".join(map(re.escape, message.text.split("…"))), " ".join(text.split()))
    }


def problems(folder: Path, text: str) -> list[str]:
    (folder / "t.toml").write_text(text)
    with pytest.raises(ConfigurationError) as raised:
        load(folder / "t.toml", environment={})
    return [problem.cause for problem in raised.value.problems]


TENANT = """[tenants.acme]
token = { env = "NOT_SET" }
connector = "generic_sql"
polinterval = "20s"
timezone = "Mars"
oldest = 1
"""


def test_problems_of_a_configuration_are_listed(tmp_path):
    found = problems(tmp_path, "[tenants]\n") + problems(tmp_path, "x = [")
    assert len(found) == 2
    configured = load_tenant(tmp_path)
    assert len(configured) > 4
    for cause in found + configured:
        assert "configuration.md" in page_of(cause), cause


def load_tenant(folder: Path) -> list[str]:
    (folder / "t.toml").write_text(TENANT)
    try:
        return [problem.cause for problem in load(folder / "t.toml", environment={}).problems]
    except ConfigurationError as error:
        return [problem.cause for problem in error.problems]


def test_every_message_that_ends_a_command_is_listed(tmp_path):
    (tmp_path / "not.json").write_text("<html>")
    with pytest.raises(UsageError) as raised:
        read_file(tmp_path / "not.json")
    assert page_of(str(raised.value)) >= {"first-contact.md"}
    with pytest.raises(LedgerError) as damaged:
        Ledger.open(f"sqlite:///{tmp_path}/nowhere/ledger.db", migrate=True)
    assert page_of(str(damaged.value)) >= {"operations.md"}


def test_every_page_that_is_named_is_there():
    pages = {message.page for message in docs_messages.messages()}
    assert len(pages) > 10
    assert all(page_file(page).exists() for page in pages)


def test_every_check_of_the_doctor_that_may_fail_has_its_sentence():
    checks = {check for check, _, _ in docs_messages.checks()}
    assert checks >= {"ledger", "integrity", "disk", "permissions", "clock", "connector", "ERP", "warehouses"}
