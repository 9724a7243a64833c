"""The conformance kit on recordings of real Odoo servers: what was asked and answered, case by case, and played back.

A recording is a list of exchanges without their envelopes. Secrets are replaced in it, and so is the moment of asking.
"""

import json
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import httpx

from odoo_shop import RECORDINGS
from shipperone_erp.testing import SUITE, NotApplicable
from shipperone_erp_odoo import OdooConnector
from shipperone_erp_odoo.conformance import NEEDED, NEIGHBOUR, Details, Merchant, OdooHarness, merchant, use_currency
from shipperone_erp_odoo.seeding import Admin, Seed

KIT = RECORDINGS / "kit"
SECRET = "kept-out-of-the-recording"
SEEDING = "seeding"
MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
AGAIN = (
    "if that is meant, record again on a fresh database of that version and a second one beside it: "
    f"{' '.join(f'{name}=…' for name in (*NEEDED, NEIGHBOUR))} ODOO_RECORD=1 nox -s odoo -- tests/integration/connectors/odoo/test_conformance.py"
)

THREADS = "threads ask in another sequence each time: it is run on a real server"
RUNTIME = "the runtime's tasks ask in another sequence each time: it is run on a real server"
KILLS = "a process that is killed needs a server that goes on: it is run on a real one"
CONNECTION = "the connection is broken or silent, which no recording can be: it is run on a real server"
NOT_PLAYED = {
    **dict.fromkeys(("R2", "R5", "I2", "I4", "D2"), THREADS),
    **dict.fromkeys(("E1", "E2"), RUNTIME),
    **dict.fromkeys(("K1", "K2", "K3", "K4", "K5", "K6", "K7"), KILLS),
    **dict.fromkeys(("L6", "L7", "S3", "U1", "U2", "U4", "U5"), CONNECTION),
}


class Tape(httpx.BaseTransport):
    """The requests and answers of the running case."""

    def __init__(self, cases: dict[str, list[dict[str, Any]]]) -> None:
        self.cases = cases
        self.hidden: set[str] = set()
        self.password = SECRET
        """The administrator's, which may be the name as well: hidden only where a password is sent."""
        self.case = ""

    def begin(self, case: str) -> None:
        self.case = case

    def end(self) -> None:
        """AssertionError unless every request was made as it is on the tape."""

    def _asked(self, request: httpx.Request) -> dict[str, Any]:
        """A request without its envelope."""
        body = json.loads(request.content)
        path = request.url.path
        if path == "/jsonrpc":
            params = body["params"]
            body = [params["service"], params["method"], *params["args"]]
            body[4:5] = [SECRET if each == self.password else each for each in body[4:5]]
        text = MOMENT.sub("now", json.dumps(body))
        for secret in self.hidden:
            text = text.replace(json.dumps(secret), json.dumps(SECRET))
        return {"path": path, "request": json.loads(text)}


class Recorder(Tape):
    """The network; every request and answer is kept."""

    def __init__(self) -> None:
        super().__init__({})
        self._network = httpx.HTTPTransport()

    def begin(self, case: str) -> None:
        super().begin(case)
        self.cases[case] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._network.handle_request(request)
        response.read()
        status = {} if response.status_code == httpx.codes.OK else {"status": response.status_code}
        answer = _bare(json.loads(response.content), request.url.path)
        self.cases[self.case].append({**self._asked(request), **status, "answer": answer})
        kind = {"content-type": response.headers["content-type"]}
        return httpx.Response(response.status_code, headers=kind, content=response.content)


class Player(Tape):
    """A recording in place of the network: each request must be the next one of its case."""

    def __init__(self, cases: dict[str, list[dict[str, Any]]]) -> None:
        super().__init__(cases)
        self._next = 0
        self._wrong = ""

    def begin(self, case: str) -> None:
        super().begin(case)
        self._next, self._wrong = 0, ""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        asked, exchanges = self._asked(request), self.cases.get(self.case, [])
        number = self._next
        if number >= len(exchanges):
            self._fail(f"its recording ends after {number} requests, and one more is made: {_called(asked)}")
        one = exchanges[number]
        wanted = {name: one[name] for name in asked}
        if asked != wanted:
            sentence = f"request {number + 1} ({_called(asked)}) is another than the recorded one ({_called(wanted)})"
            self._fail(f"{sentence}: {_difference(asked, wanted)}")
        self._next += 1
        answer = {"jsonrpc": "2.0", "id": None, **one["answer"]} if one["path"] == "/jsonrpc" else one["answer"]
        kind = {"content-type": "application/json"}
        return httpx.Response(one.get("status", 200), headers=kind, content=json.dumps(answer).encode())

    def end(self) -> None:
        left = len(self.cases.get(self.case, [])) - self._next
        if not self._wrong and left:
            self._wrong = f"{left} requests of its recording were not made"
        assert not self._wrong, f"{self.case}: {self._wrong}; {AGAIN}"

    def _fail(self, what: str) -> None:
        """A test that swallowed it fails at the end."""
        self._wrong = self._wrong or what
        raise AssertionError(f"{self.case}: {what}; {AGAIN}")


class TapedHarness(OdooHarness):
    """One case on a tape, which both the connector and the administrator talk to."""

    departures: ClassVar[Mapping[str, str]] = {**OdooHarness.departures, **NOT_PLAYED}
    tape: ClassVar[Tape]
    merchants_of: ClassVar[list[Merchant]]
    """The merchant and its neighbour."""

    def details(self, invoices: Sequence[int]) -> Mapping[int, Details]:
        """Asked only where a recording has the answers."""
        return {} if self.recorded == "1.0" else super().details(invoices)

    played: ClassVar[Sequence[str] | None] = None
    """The cases that the recording has; None where one is made."""

    def set_up(self) -> None:
        if self.played is not None and self.run not in self.played:
            raise NotApplicable("the recording does not hold it: it is run on a real server")
        self.merchant = self.merchants_of[self.nth]
        self.currency = self.merchant.currency
        if self.nth == 0:
            self.tape.begin(str(self.run))
            OdooConnector.transport = self.tape

    def tear_down(self) -> None:
        if self.nth == 0:
            OdooConnector.transport = None
            self.tape.end()

    def mend_connection(self) -> None:
        self.give_rights_back()

    def neighbour(self, folder: Path) -> "TapedHarness":
        other = type(self)(folder)
        other.nth = self.nth + 1
        return other

    @property
    def url(self) -> str:
        return self.admin.url


def taped(
    tape: Tape, merchants: list[Merchant], case: str, header: Mapping[str, Any] | None = None
) -> type[TapedHarness]:
    """The harness of that case. `header`: that of the recording which is played."""
    recorded = header and header.get("suite", "1.0")
    members = {"tape": tape, "merchants_of": merchants, "run": case, "recorded": recorded}
    members["played"] = header and header.get("cases")
    if recorded == "1.0":
        members["rates"] = (21,)  # the second rate came with suite 1.1
    return type("TapedHarness", (TapedHarness,), members)


def recording_merchants(tape: Recorder) -> tuple[dict[str, Any], list[Merchant]]:
    """The merchants on the server that the environment names, made there; and the header of the recording."""
    url, database, user, password = (os.environ[name] for name in NEEDED)
    databases = [database, os.environ[NEIGHBOUR]]
    tape.begin(SEEDING)
    tape.password = password
    merchants = []
    for name in databases:
        own = secrets.token_urlsafe(16)
        tape.hidden.add(own)
        merchants.append(merchant(Seed(Admin(url, name, user, password, tape), "kit", own)))
        use_currency(merchants[-1].seed, OdooHarness.other_currency)
    seed = merchants[0].seed
    header = {
        "suite": SUITE,
        "version": seed.admin.version,
        "protocol": merchants[0].protocol,
        "databases": databases,
        "user": user,
    }
    return header, merchants


def playing(header: dict[str, Any], tape: Player) -> list[Merchant]:
    """The merchants as they were made when it was recorded."""
    tape.begin(SEEDING)
    made = []
    for name in header["databases"]:
        admin = Admin("http://odoo.invalid", name, header["user"], SECRET, tape)
        made.append(merchant(Seed(admin, "kit", SECRET), SECRET, header["protocol"]))
        if header.get("suite", "1.0") != "1.0":
            use_currency(made[-1].seed, OdooHarness.other_currency)
    tape.end()
    return made


def written(header: dict[str, Any], tape: Recorder) -> Path:
    """The recording, a line an exchange; its header names the cases that passed, some of which ask nothing."""
    lines = [header, *({"case": case, **one} for case, kept in tape.cases.items() for one in kept)]
    KIT.mkdir(parents=True, exist_ok=True)
    file = KIT / f"{header['version']}-{header['protocol']}.jsonl"
    text = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines)
    file.write_text(text, encoding="utf-8")
    return file


def read(file: Path) -> tuple[dict[str, Any], Player]:
    """A recording: its header and its tape."""
    header, *exchanges = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    cases: dict[str, list[dict[str, Any]]] = {}
    for one in exchanges:
        cases.setdefault(one["case"], []).append(one)
    return header, Player(cases)


def _called(asked: dict[str, Any]) -> str:
    """The called method, without the body, which may hold a password."""
    body = asked["request"]
    return ".".join(map(str, body[5:7] or body[:2])) if isinstance(body, list) else asked["path"]


def _difference(asked: Any, wanted: Any, at: str = "") -> str:
    """The first place where they differ."""
    if isinstance(asked, dict) and isinstance(wanted, dict) and asked.keys() == wanted.keys():
        pairs = [(f"{at}.{name}", asked[name], wanted[name]) for name in asked]
    elif isinstance(asked, list) and isinstance(wanted, list):
        if len(asked) != len(wanted):
            return f"{at[1:]} has {len(asked)} entries, recorded are {len(wanted)}"
        pairs = [(f"{at}[{number}]", *pair) for number, pair in enumerate(zip(asked, wanted, strict=True))]
    else:
        return f"{at[1:]} is {asked!r}, recorded is {wanted!r}"
    return next(_difference(one, other, place) for place, one, other in pairs if one != other)


def _bare(answer: Any, path: str) -> Any:
    """An answer without its envelope, an error without Odoo's traceback, which names files of that machine."""
    if path == "/jsonrpc":
        answer = {name: answer[name] for name in ("result", "error") if name in answer}
    error = answer.get("error", {}).get("data", answer) if isinstance(answer, dict) else None
    if isinstance(error, dict):
        error.pop("debug", None)
    return answer
