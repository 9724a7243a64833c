"""What the tests on a real Odoo server share: which server, its protocols, and recordings of what it answers.

Set ODOO_TEST_URL, ODOO_TEST_DB, ODOO_TEST_USER and ODOO_TEST_PASSWORD (an administrator, for seeding): a test database,
since it makes products, warehouses and invoices there. `ODOO_RECORD=1` keeps what the cases say for the replay.
"""

import json
import os
import secrets
from collections.abc import Iterator

import pytest

from odoo_shop import RECORDINGS, SECRET, Recorder, Shop
from shipperone_erp_odoo.seeding import Admin, Seed

NEEDED = ("ODOO_TEST_URL", "ODOO_TEST_DB", "ODOO_TEST_USER", "ODOO_TEST_PASSWORD")


missing = [name for name in NEEDED if not os.environ.get(name)]


RECORD = os.environ.get("ODOO_RECORD") == "1"


ON_A_REAL_SERVER = [
    pytest.mark.odoo,
    pytest.mark.skipif(bool(missing), reason=f"needs a real Odoo: set {', '.join(missing)}"),
    pytest.mark.timeout(600),
]


@pytest.fixture(scope="session")
def seed() -> Seed:
    url, database, user, password = (os.environ[name] for name in NEEDED)
    return Seed(
        Admin(url, database, user, password),
        "so" if RECORD else "".join(secrets.choice("abcdefghijkmnpqrstuvwxyz23456789") for _ in range(4)),
    )


@pytest.fixture(scope="session")
def key(seed: Seed) -> str:
    """An API key of the seeded user, or the one that is given."""
    return os.environ.get("ODOO_TEST_API_KEY") or seed.api_key()


@pytest.fixture(params=["jsonrpc", "json2", "xmlrpc"])
def about(request: pytest.FixtureRequest, seed: Seed) -> dict[str, object]:
    if request.param == "json2" and seed.admin.version < 19:
        pytest.skip(f"Odoo {seed.admin.version} has no JSON-2")
    secret = request.getfixturevalue("key") if request.param == "json2" else seed.password
    return {
        "url": seed.admin.url, "database": seed.admin.database, "user": seed.login, "secret": secret,
        "tag": seed.tag, "version": seed.admin.version, "protocol": request.param,
    }  # fmt: skip


@pytest.fixture(scope="session")
def recordings() -> Iterator[dict[str, dict[str, object]]]:
    """By file name, what the cases said; at the end it takes the place of what they said before."""
    kept: dict[str, dict[str, object]] = {}
    yield kept
    for name, recording in kept.items():
        file = RECORDINGS / name
        file.parent.mkdir(parents=True, exist_ok=True)
        header, *entries = recording["lines"]
        cases = {entry["case"] for entry in entries}
        if file.exists():
            before, *rest = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
            others = [entry for entry in rest if entry["case"] not in cases]
            assert before == header or not others, "the other cases were recorded on another database: record them all"
            entries = others + entries
        lines = [json.dumps(entry, ensure_ascii=False, separators=(",", ":")) for entry in (header, *entries)]
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def run(cases, case, about, seed, recordings, folder=""):
    """A case on the real server, its recording kept in that folder of them."""
    # over a second protocol a case has products and orders of its own
    name = case if about["protocol"] == RECORDED.get(int(about["version"])) else f"{case}-{about['protocol']}"
    nominal = {**about, "database": f"o{about['version']}"}  # one case is recorded anew on any fresh database
    replaced = {str(about["secret"]): SECRET, f'"{about["database"]}"': f'"{nominal["database"]}"'}
    recorder = Recorder(replaced) if RECORD else None
    shop = Shop(name, about, recorder, seed)
    try:
        cases[case](shop)
    finally:
        shop.close()
    if recorder and name == case:
        file = f"{folder}{about['version']}-{about['protocol']}.jsonl"
        header = {name: nominal[name] for name in ("version", "protocol", "database", "user", "tag")}
        lines = recordings.setdefault(file, {"lines": [header]})["lines"]
        lines += [{"case": case, **entry} for entry in recorder.kept]


RECORDED = {17: "jsonrpc", 18: "jsonrpc", 19: "json2"}
"""What `auto` speaks, by version."""
