"""Secrets are nowhere in what is written; people are nowhere but in the ledger's bodies. In real processes.

Planted are a token, an ERP's password and a ledger's; a ShipperOne that repeats the Authorization header, a connector
that says its password and its customers' names in every way, people in orders that stick for every reason.
"""

import html
import json
import logging
import os
import sys
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from sqlalchemy import make_url

import warm_processes
from ledger_databases import dumped
from places import PLUGINS
from service_process import Service, until
from shipperone_erp import Reason
from shipperone_erp.cli.output_redaction import keep_out_of_logs
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.kernel.redaction import Redaction, passwords_in, secrets_in, without_passwords
from shipperone_erp.sandbox import Fault, Sandbox, SandboxOrder
from world import World

A, I = Stage.ALLOCATION, Stage.INVOICE  # noqa: E741

TOKEN = "planted/token+47QZ11=&x"
RENEWED_TOKEN = "renewed/token+08QZ15=&y"
PASSWORD = 'planted"pass<word>/47QZ11'
RENEWED_PASSWORD = 'renewed"pass<word>/08QZ15'
LEDGER_PASSWORD = "planted/ledger@47QZ11"
SECRETS = (TOKEN, RENEWED_TOKEN, PASSWORD, RENEWED_PASSWORD, LEDGER_PASSWORD)

JANA = {
    "name": "Jana Nováková", "company": "Novák Stroje s.r.o.", "vat_id": "SK2021111111", "company_id": "36111222",
    "email": "jana@customer.example", "phone": "+421 900 111 222", "street": "Krátka 17/A",
}  # fmt: skip
PEOPLE = ("Nováková", "Novák Stroje", "SK2021111111", "36111222", "jana@customer", "+421 900", "Krátka 17")


def forms(secret):
    """The ways in which it may be written."""
    dumps = json.dumps(secret)[1:-1]
    return {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), html.escape(secret), dumps,
            dumps.replace("/", "\\/"), repr(secret)[1:-1], secret.swapcase().swapcase()}  # fmt: skip


def leaked(text, values=SECRETS):
    found = {value for value in values for form in forms(value) if form in text}
    # the middle of each secret; with letters, since a random id of digits holds every number some day
    return found | {word for word in ("47QZ11", "08QZ15") if word in text and values is SECRETS}


def named(text):
    return {person for person in PEOPLE if person in text}


def order(order_id, **fields):
    listed = {"customer": JANA, "billing": JANA, "shipping": JANA, "extra": {"remark": "for Jana Nováková"}, **fields}
    number = sum(map(ord, order_id)) * 10
    return SandboxOrder.simple(order_id, ("MUG", 2, "10.00"), first_id=number, **listed)


STUCK = ("FO-REFUSED", "FO-BUG", "FO-UNKNOWN", "FO-PENDING", "FO-UNREADABLE", "FO-DIFFERS", "FO-ECHO")


@pytest.fixture
def shop():
    with Sandbox(token=TOKEN) as sandbox:
        sandbox.auto_ship = True
        yield sandbox


def leaking(world):
    world.plugins.append(PLUGINS / "leaking")
    world.settings["connector"] = '"leaking"'
    return world


@pytest.fixture(params=["sqlite", "postgresql"])
def planted(request, tmp_path, shop):
    """A merchant with every secret planted, whose orders stick for every reason."""
    world = leaking(World(tmp_path, shop))
    if request.param == "postgresql":
        url = make_url(request.getfixturevalue("postgresql_url")).set(password=LEDGER_PASSWORD)
        if url.username is None:
            url = url.set(username="postgres")
        world.runtime_settings["ledger"] = f'"{url.render_as_string(hide_password=False)}"'
    for name, secret in (("token", TOKEN), ("password", PASSWORD)):
        (tmp_path / name).write_text(secret)
        (tmp_path / name).chmod(0o600)
    world.environment = {}
    world.settings |= {"token": '{ file = "token" }', "poll_interval": '"0.3s"'}
    world.erp_settings["password"] = '{ file = "password" }'
    for order_id in (*STUCK, "FO-FINE"):
        shop.add(order(order_id))
    shop.change("FO-UNREADABLE", lambda raw: {**raw, "items": [{"id": 1, "qty": 2, "name": "for Jana Nováková"}]})
    world.erp.script("build_invoice", "cent_off", order="FO-DIFFERS", times=99)
    shop.faults.add(Fault("echo", method="POST", order_id="FO-ECHO", payload="Jana Nováková, Krátka 17/A"))
    return world


def commands(world):
    """Everything that can be read, as text and as JSON; what each wrote, by its name."""
    asked = [("status",), ("orders",), ("orders", "--state", "held"), ("config", "show"), ("config", "check"),
             ("doctor",), ("reconcile", "acme"), ("run", "--dry-run"), *(("order", "show", order_id) for order_id in ("FO-REFUSED", "FO-BUG", "FO-FINE"))]  # fmt: skip
    written = {}
    for arguments in asked:
        for more in ((), ("--json",)):
            done = world.command(*arguments, *more)
            assert done.returncode in (0, 1, 3, 5), done.stderr
            assert done.stdout, (arguments, done.stderr)
            written[" ".join((*arguments, *more))] = done.stdout + done.stderr
    return written


def kept(world):
    """The ledger to the byte: the file, its log, its index; or every row of every table."""
    if world.ledger_url.startswith("postgresql"):
        return dumped(world.ledger_url)
    files = sorted(world.folder.glob("ledger.db*"))
    assert files
    return "\n".join(file.read_bytes().decode("utf-8", "replace") for file in files)


@pytest.mark.case("B24")
@pytest.mark.timeout(300)
def test_no_secret_is_stored_anywhere_and_personal_data_only_where_documented(planted, shop):
    written = {"run --once": _output(planted.command("run", "--once", "--settle-for", "4s"))}

    running = Service(planted, cold=True)
    try:
        shop.add(order("FO-SERVED"))
        until(lambda: planted.erp.delivered("FO-SERVED"), 30)
        until(lambda: "sent again 3 times" in (planted.job("FO-ECHO", A).sentence or ""), 30)
        written["the ledger while the service runs"] = kept(planted)
        cmdline = Path(f"/proc/{running.process.pid}/cmdline").read_bytes().decode()
        assert "run" in cmdline
        written["cmdline"] = cmdline
        shop.revoke(RENEWED_TOKEN)
        until(lambda: "ShipperOne refuses the token" in running.logged)
        (planted.folder / "token").write_text(RENEWED_TOKEN)
        (planted.folder / "password").write_text(RENEWED_PASSWORD)
        until(
            lambda: "the token was reloaded" in running.logged and "the ERP's secrets were reloaded" in running.logged
        )
        shop.add(order("FO-LATER"))
        until(lambda: planted.erp.delivered("FO-LATER"), 30)
        shop.faults.add(Fault("echo_html", method="GET", page=1, times=2))
        until(lambda: "with a page, “Bad Gateway for Bearer ********" in running.logged)
        shop.add(order("FO-TRANSIENT"))
        shop.add(order("FO-AUTH"))
        until(lambda: planted.jobs("FO-AUTH") and planted.job("FO-AUTH", A).reason is Reason.ERP_AUTH)
        until(lambda: "the ERP is not available" in running.logged)
        assert running.stop() == 0
    finally:
        running.process.kill()
        running.process.wait()
    written["run"] = running.logged
    for kind, expected in (
        ("echo", "Authorization: Bearer ********"),
        ("echo_html", "“Bad Gateway for Bearer ********"),
    ):
        for arguments in (("run", "--dry-run"), ("doctor", "--json")):
            shop.faults.add(Fault(kind, method="GET"))
            written[f"{arguments} with {kind}"] = _output(planted.command(*arguments))
            shop.faults.clear()
            assert expected in " ".join(written[f"{arguments} with {kind}"].split()), written[
                f"{arguments} with {kind}"
            ]
    written |= commands(planted)
    written["the ledger afterwards"] = kept(planted)
    written["what ShipperOne saw"] = repr((shop.requests, shop.posts))
    for name, text in written.items():
        assert leaked(text) == set(), (name, _around(text))
    reasons = {job.order_id: job.reason for job in planted.jobs() if job.state is not State.DONE}
    assert reasons.keys() >= {*STUCK, "FO-AUTH"} - {"FO-UNKNOWN"}, reasons
    with_people = {name for name, text in written.items() if named(text)}
    assert with_people <= {name for name in written if name.startswith(("order show", "the ledger"))}, {
        name: _around(written[name], PEOPLE)
        for name in with_people
        if not name.startswith(("order show", "the ledger"))
    }
    assert named(written["order show FO-FINE --json"]) == set(PEOPLE), "the body is there for whoever asks for it"
    assert named(written["the ledger afterwards"]) == set(PEOPLE)
    assert "login with ********" in written["run"], "the connector's own lines are there, without its password"
    assert "erp:******** for …, …, …, …, …" in planted.job("FO-REFUSED", A).sentence
    echoed = planted.job("FO-ECHO", A).sentence
    assert "Not possible with Authorization: Bearer ******** …, …; sent again 3 times" in echoed
    assert planted.job("FO-DIFFERS", I).sentence == "… (…) pays otherwise, ********"


def _output(done):
    return done.stdout + done.stderr


def _around(text, values=("47QZ11", "08QZ15", "planted", "renewed")):
    return [text[max(0, text.index(value) - 200) : text.index(value) + 60] for value in values if value in text][:3]


CRASHES = {
    "a connector's identity raises": (lambda world: world.erp_settings.update(name='"raises"'), ("ledger", "adopt", "acme"), 1),
    "and in a run": (lambda world: world.erp_settings.update(name='"raises"'), ("run", "--once", "--settle-for", "0s"), 1),
    "the address of the ledger": (
        lambda world: world.runtime_settings.update(ledger=f'"postgresql://u:{quote_plus(LEDGER_PASSWORD)}@127.0.0.1:1/d"'),
        ("status",),
        1,
    ),
}  # fmt: skip


@pytest.mark.parametrize("crash", CRASHES)
def test_a_crash_leaves_a_traceback_without_secrets(world, crash):
    break_it, arguments, code = CRASHES[crash]
    leaking(world).environment["ERP_PASSWORD"] = PASSWORD
    world.erp_settings["password"] = '{ env = "ERP_PASSWORD" }'
    assert world.command("run", "--once", "--settle-for", "0s").returncode == 0
    break_it(world)
    done = world.command(*arguments)
    assert done.returncode == code
    assert leaked(_output(done)) == set(), _around(_output(done))
    if "identity" in crash:
        assert "identity of connector leaking raised RuntimeError: login with ********" in done.stderr


@pytest.mark.parametrize("as_json", [False, True])
def test_config_check_with_an_error_beside_the_secret(world, as_json):
    leaking(world).settings |= {"token": f"'{TOKEN}'", "poll_intervall": '"1s"'}
    world.erp_settings |= {"password": f"'{PASSWORD}'", "drafts": '"maybe"'}
    world.runtime_settings["ledger"] = f"'postgresql://u:{quote_plus(LEDGER_PASSWORD)}@h/d'"
    done = world.command("config", "check", *(["--json"] if as_json else []))
    assert done.returncode == 78
    assert "did you mean poll_interval?" in done.stderr
    assert leaked(_output(done)) == set(), _around(_output(done))


HOSTILE_SETTINGS = """
from pydantic import model_validator

class Settings(ConnectorSettings):
    password: Secret
    url: str = ""

    @model_validator(mode="{mode}")
    {head}
        raise {error}

class Plugged(Connector[Settings]):
    @hookimpl
    def reserve_stock(self, request): return Reserved("R")
"""


@pytest.mark.parametrize("error", ["ValueError", "RuntimeError"])
@pytest.mark.parametrize(
    "written", ['password = "{}"', 'password = {{ env = "P" }}', 'url = "x://u:{}@h"\npassword = "zzzz"']
)
@pytest.mark.parametrize("mode", ["before", "after"])
def test_a_secret_in_the_message_of_a_settings_check_is_masked(world, plugins, mode, written, error):
    password = "planted-4711"
    head = "def check(cls, values):" if mode == "before" else "def check(self):"
    shown = "values" if mode == "before" else "(self.password.get_secret_value(), self.url)"
    raised = f'{error}(f"no: {{{shown}}}")'
    head = f"@classmethod\n    {head}" if mode == "before" else head
    plugins.install("hostile", HOSTILE_SETTINGS.format(mode=mode, head=head, error=raised))
    world.settings |= {"connector": '"hostile"', "stages": '["allocation"]'}
    world.erp_settings = {}
    world.more = f"\n[tenants.acme.hostile]\n{written.format(password)}\n"
    world.write()
    text = world.file.read_text().replace("[tenants.acme.hostile]\n", "", 1)
    world.file.write_text(text)
    environment = {**world.process_environment(), "P": password}
    environment["PYTHONPATH"] = os.pathsep.join([environment["PYTHONPATH"], *plugins.paths])
    done = warm_processes.run("config", "check", "-c", str(world.file), env=environment)
    assert done.returncode == 78, done.stderr
    assert "tenants.acme.hostile" in done.stderr
    assert leaked(_output(done)) == set(), _output(done)


def test_warnings_name_every_secret_in_plain_text_and_no_reference(world):
    world.settings["token"] = f"'{TOKEN}'"
    world.erp_settings |= {"password": f"'{PASSWORD}'", "name": f"'http://erp:{quote_plus(PASSWORD)}@h/db'"}
    world.runtime_settings["ledger"] = f"'postgresql://u:{quote_plus(LEDGER_PASSWORD)}@127.0.0.1:1/d'"
    world.more = '[tenants.shop]\nbase_url = "https://s.example"\ntoken = "${SHOP}"\nconnector = "counting"\n'
    world.more += (
        '[tenants.shop.counting]\ndatabase = "x"\nname = "http://erp:${SHOP}@h/db"\npassword = { env = "SHOP" }\n'
    )
    world.environment["SHOP"] = "shop-secret"
    reference = 'use { env = "NAME" }, { file = "path" } or { credential = "name" }'
    inside = "a password in plain text inside an address; use ${NAME} in its place, from the environment"
    file = world.file
    wanted = [
        f"{file}:2: runtime.ledger: {inside}",
        f"{file}:7: tenants.acme.token: a secret in plain text; {reference}",
        f"{file}:17: tenants.acme.counting.password: a secret in plain text; {reference}",
        f"{file}:18: tenants.acme.counting.name: {inside}",
    ]
    done = world.command("config", "check", "--json")
    assert sorted(json.loads(done.stdout)["warnings"]) == sorted(wanted)
    assert sorted(done.stderr.splitlines()) == sorted(f"warning: {warning}" for warning in wanted)
    rows = json.loads(world.command("doctor", "--json", cwd=world.folder).stdout)
    found = [row for row in rows if row["check"] == "secrets"]
    assert sorted(row["sentence"] for row in found) == sorted(wanted)
    assert {row["verdict"] for row in found} == {"WARN"}
    assert {row["cure"] for row in found} == {"store it where only this process can read it"}
    assert leaked(_output(done) + str(rows)) == set()


def test_a_secret_in_the_defaults_is_warned_of_once(world):
    world.settings["token"] = "'unused'"
    del world.settings["token"]
    world.write()
    file = world.file
    text = file.read_text().replace('token = { env = "ACME_TOKEN" }\n', "")
    more = '[defaults]\ntoken = "plain-4711"\n[tenants.b]\nbase_url = "https://b.example"\nconnector = "counting"\n'
    file.write_text(text + more + '[tenants.b.counting]\ndatabase = "x"\n')
    done = warm_processes.run("config", "check", "-c", str(file), env=world.process_environment())
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if "defaults.token" in line] == done.stderr.splitlines()
    assert done.stderr.count("a secret in plain text") == 1


def test_a_secret_is_found_however_it_is_written():
    redact = Redaction([TOKEN, PASSWORD, "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\n-----END KEY-----\n"])
    for secret in (TOKEN, PASSWORD):
        for form in forms(secret):
            assert redact(f"before {form} after") == "before ******** after"
    assert redact("line MIIEvQIBADANBgkqhkiG9w0B of it") == "line ******** of it"
    assert redact("nothing of it") == "nothing of it"


def test_secrets_are_added_and_never_forgotten_and_what_is_too_short_is_none():
    redact = Redaction(["first-secret"])
    redact.add(["second-secret", "", "abc"])
    assert redact("first-secret second-secret abc") == "******** ******** abc"


@pytest.mark.parametrize(
    ("address", "passwords", "shown"),
    [
        ("postgresql+psycopg://erp:s3cr3t@db.example/x", {"s3cr3t"}, "postgresql+psycopg://erp:********@db.example/x"),
        ("postgresql://u:a%40b@h/d", {"a%40b", "a@b"}, "postgresql://u:********@h/d"),
        ("postgresql://u:a@b@h/d", {"a@b", "a"}, "postgresql://u:********@h/d"),
        ("postgresql://u:a@b/s3cr3t@h/d", {"a@b/s3cr3t", "a", "s3cr3t"}, "postgresql://u:********@h/d"),
        ("postgresql://u@h/d?password=s3cr3t&x=1", {"s3cr3t"}, "postgresql://u@h/d?password=********&x=1"),
        ("Server=h;PWD={a;b};Uid=1", {"{a;b}", "a;b"}, "Server=h;PWD=********;Uid=1"),
        ("host=h password=s3cr3t user=x", {"s3cr3t"}, "host=h password=******** user=x"),
        ("Authorization: Bearer s3cr3t", {"s3cr3t"}, "Authorization: Bearer ********"),
        ("X-Api-Key:s3cr3t", {"s3cr3t"}, "X-Api-Key:********"),
        ("Authorization: Bearer ${TOKEN}", set(), "Authorization: Bearer ${TOKEN}"),
        ("postgresql://u:@h/d", set(), "postgresql://u:@h/d"),
        ("https://acme.example:8069/web?mail=a@b", set(), "https://acme.example:8069/web?mail=a@b"),
        ("SELECT 1 WHERE password=:p AND token = ? AND pwd='x'", set(), "SELECT 1 WHERE password=:p AND token = ? AND pwd='x'"),
        ("sqlite:///erp.db", set(), "sqlite:///erp.db"),
    ],
)  # fmt: skip
def test_a_password_inside_an_address(address, passwords, shown):
    assert set(passwords_in(address)) == passwords
    assert without_passwords(address) == shown
    assert set(secrets_in({"urls": [address]})) == passwords


@pytest.fixture
def _factory():
    before = logging.getLogRecordFactory()
    yield
    logging.setLogRecordFactory(before)
    logging.captureWarnings(False)


@pytest.mark.usefixtures("_factory")
def test_log_lines_are_redacted_before_any_handler_sees_them(capsys, monkeypatch):
    import threading

    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    redaction = Redaction(["s3cr3t-4711"])
    keep_out_of_logs(redaction)
    log = logging.Logger("some.library")
    log.addHandler(logging.StreamHandler(sys.stdout))
    log.warning("%s and %d", "s3cr3t-4711", 5)
    log.warning("%s and %s", "s3cr3t-4711")
    log.warning("plain %s", "words")
    redaction.add(["renewed-0815"])
    try:
        raise ValueError("renewed-0815")
    except ValueError:
        log.exception("it failed")
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["******** and 5", "%s and %s (a line whose arguments do not fit)", "plain words"]
    assert lines[3] == "it failed"
    assert lines[-1] == "ValueError: ********"


def test_secrets_that_libraries_read_from_the_environment_are_in_no_line(tmp_path, shop):
    """OpenTelemetry logs a header that is not in its form, and a proxy's address may be part of an error."""
    world = World(tmp_path, shop)
    world.runtime_settings["tracing"] = "true"
    world.environment |= {
        "OTEL_EXPORTER_OTLP_HEADERS": f"Authorization: Bearer {TOKEN}",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://me:{quote(PASSWORD, safe='')}@127.0.0.1:9",
    }
    world.environment["ACME_TOKEN"] = shop.token
    shop.add(order("FO-1"))
    running = Service(world, cold=True)
    try:
        until(lambda: world.erp.delivered("FO-1"))
        assert running.stop() == 0
    finally:
        running.process.kill()
        running.process.wait()
    assert "Header format invalid" in running.logged
    assert leaked(running.logged) == set()


@pytest.mark.parametrize("password", ["47QZ11@rest47QZ11", "a@b/rest47QZ11"])
def test_an_unescaped_password_of_the_ledgers_address_is_refused_and_not_shown(tmp_path, shop, password):
    world = World(tmp_path, shop)
    world.runtime_settings["ledger"] = f'"postgresql+psycopg://erp:{password}@nowhere.invalid/db"'
    world.write()
    for arguments in (("config", "check"), ("status",), ("run", "--once"), ("doctor",)):
        done = world.command(*arguments)
        assert done.returncode == 78, done.stderr
        assert "write it as %40" in done.stderr + done.stdout
        assert leaked(done.stdout + done.stderr) == set()
