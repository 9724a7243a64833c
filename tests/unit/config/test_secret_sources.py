"""A secret stays hidden: echoed in any case and with any escapes, put in by a variable, or pasted in the wrong place."""

import base64
import html
import json
import tomllib
from urllib.parse import quote

import pytest

from shipperone_erp.config import load
from shipperone_erp.config.effective_configuration import show
from shipperone_erp.config.secret_sources import looks_like_a_secret
from shipperone_erp.config.setting_types import in_plain_text
from shipperone_erp.kernel.errors import ConfigurationError
from shipperone_erp.kernel.redaction import MASK, Redaction, passwords_in, without_passwords

TOKEN = "Planted/token+47QZ11=&x"
GENERATED = "k3j9s8d7f6g5h4j3k2l1m0n9b8v7c6x5"

ECHOES = {
    "in capitals": TOKEN.upper(),
    "in small letters": TOKEN.lower(),
    "in an address, in small letters": quote(TOKEN, safe="").lower(),
    "in an address, twice": quote(quote(TOKEN, safe=""), safe=""),
    "as a parameter": TOKEN.replace("+", " "),
    "in JSON inside of JSON": json.dumps(json.dumps({"t": TOKEN.upper()})),
    "in PHP's JSON": json.dumps(TOKEN.lower()).replace("/", "\\/"),
    "with JSON's escapes for some": "Planted\\u002Ftoken\\u002b47QZ11=\\u0026x",
    "in HTML": html.escape(TOKEN.upper()),
    "with HTML's numbers": "Planted&#47;token&#x2B;47QZ11&equals;&amp;x",
}


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
def test_a_secret_that_a_server_echoes_is_taken_out_however_it_is_written(echo):
    message = Redaction([TOKEN])(f"the token {echo} is not known")
    assert MASK in message
    assert "47qz11" not in message.lower()
    assert message.startswith("the token ")
    assert message.endswith(" is not known")


@pytest.mark.parametrize("user", ["", "u", "us", "user", "a-longer-user"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_password_in_base64_is_taken_out(user, encode):
    """As a proxy's page shows the header Proxy-Authorization. A character at each edge holds bits of its neighbours."""
    secret = "s3cr\u00ebt>>>???-planted"
    shown = Redaction([secret])(f"Basic {encode(f'{user}:{secret}'.encode()).decode()}, user {user}")
    left = shown.partition(MASK)
    assert MASK in shown
    assert len(left[2].partition(",")[0].rstrip("=")) <= 1
    assert left[2].endswith(f", user {user}")


def test_a_short_password_is_taken_out_as_it_is_and_a_word_that_it_resembles_stays():
    assert Redaction(["odoo"])("odoo, Odoo and ODOO") == f"{MASK}, Odoo and ODOO"


@pytest.mark.parametrize("text", ["100 %20 \\n &amp; done", "", "İstanbul", "a%2Fb"])
def test_a_text_without_a_secret_stays_as_it_is(text):
    assert Redaction([TOKEN, GENERATED, "straße-passwort"])(text) == text


def test_parameters_of_an_address_that_are_secrets_are_masked():
    shown = without_passwords("postgresql://u@h/db?sslpassword=abcd&sslmode=require&access_token=efgh&key=ijkl")
    assert shown == f"postgresql://u@h/db?sslpassword={MASK}&sslmode=require&access_token={MASK}&key={MASK}"
    assert "efgh" in set(passwords_in("https://h/?x=1&access_token=efgh"))


@pytest.fixture
def written(tmp_path):
    file = tmp_path / "shipperone-erp.toml"

    def write(tenant, base_url="https://acme.example", token='{ env = "ACME_TOKEN" }', more=""):
        file.write_text(
            f'{more}\n[tenants.acme]\nbase_url = "{base_url}"\ntoken = {token}\nconnector = "generic_sql"\n'
            f'stages = ["allocation"]\n{tenant}\n[[tenants.acme.generic_sql.reserve]]\nsql = "INSERT INTO r VALUES (:key)"\n'
            '[[tenants.acme.generic_sql.find_reservation]]\nsql = "SELECT 1 AS reference FROM r WHERE k = :key"\n'
        )  # fmt: skip
        return file

    return write


SECRETS = {"ACME_TOKEN": TOKEN, "PUT_IN": "put-in-4711", "OTHER": "other-4712", "PORT": "15"}


def test_config_show_masks_what_variables_put_in_at_any_depth_and_is_still_toml(written):
    file = written(
        '[tenants.acme.generic_sql]\nurl = "sqlite:///erp.db"\n'
        '[tenants.acme.generic_sql.params]\nsecret_note = "a ${PUT_IN} b"\nother = "https://h/?api=${OTHER}&x=1"\n',
        more='[runtime]\nledger = "postgresql+psycopg://u@h/db?sslcert=${PUT_IN}"\ninclude = ["${OTHER}/*.toml"]\n',
    )  # fmt: skip
    read = load(file, environment=SECRETS)
    shown = show(read)
    assert "4711" not in shown
    assert "4712" not in shown
    parsed = tomllib.loads(shown)
    assert parsed["runtime"]["include"] == [f"{MASK}/*.toml"]
    assert parsed["tenants"]["acme"]["generic_sql"]["params"] == {
        "secret_note": f"a {MASK} b", "other": f"https://h/?api={MASK}&x=1",
    }  # fmt: skip


PASTED = {
    "env": (f'{{ env = "{GENERATED}" }}', "names no existing environment variable"),
    "env, no name at all": ('{ env = "pasted/token==" }', "names no existing environment variable"),
    "file": (f'{{ file = "{GENERATED}" }}', "names no existing file"),
    "a uuid as a file": ('{ file = "550e8400-e29b-41d4-a716-446655440000" }', "names no existing file"),
    "credential": (f'{{ credential = "{GENERATED}" }}', "names no existing credential"),
}
SQL = '[tenants.acme.generic_sql]\nurl = "sqlite:///erp.db"\n'


@pytest.mark.parametrize(("token", "expected"), PASTED.values(), ids=PASTED)
def test_a_token_in_the_place_of_a_name_is_refused_and_not_shown(written, token, expected):
    with pytest.raises(ConfigurationError) as raised:
        load(written(SQL, token=token), environment={})
    (problem,) = raised.value.problems
    assert (problem.key, expected in problem.cause) == ("tenants.acme.token", True)
    assert token.split('"')[1] not in str(raised.value)


def test_a_token_inside_of_a_variables_braces_is_not_shown(written):
    with pytest.raises(ConfigurationError) as raised:
        load(written(SQL, token=f'"${{{GENERATED}}}"'), environment={})
    assert GENERATED not in str(raised.value)


@pytest.mark.parametrize("name", ["ACME_TOKEN", "acme_token", "SHIPPERONE_ERP_ACME_2_TOKEN", "acme.token", "TOKEN2026"])
def test_a_name_is_shown(name):
    assert not looks_like_a_secret(name)


@pytest.mark.parametrize(
    ("base_url", "plain"),
    [("https://acme.example", False), ("http://acme.example", True), ("HTTP://10.0.0.5:8080", True),
     ("http://localhost:1", False), ("http://sandbox.localhost", False), ("http://127.0.0.1:9250", False),
     ("http://127.8.8.8", False), ("http://[::1]:1", False), ("http://[::ffff:127.0.0.1]", False),
     ("http://0.0.0.0", True), ("http://localhost.acme.example", True), ("http://[fe80::1]", True)],
)  # fmt: skip
def test_only_this_machine_is_reached_without_encryption(base_url, plain):
    assert in_plain_text(base_url) is plain


def test_a_new_tenant_over_http_is_refused_an_allowed_one_is_not_and_one_that_was_served_is_warned_about(written):
    asked = []

    def served(ledger):
        asked.append(ledger)
        return {"acme"}

    file = written(SQL, base_url="http://shop.lan")
    with pytest.raises(ConfigurationError, match="allow_http = true allows it") as raised:
        load(file, environment=SECRETS)
    assert raised.value.problems[0].key == "tenants.acme.base_url"
    (problem,) = load(file, environment=SECRETS, tenants_may_fail=True).problems
    assert problem.tenant == "acme"
    resumed = load(file, environment=SECRETS, served=served)
    assert (list(resumed.tenants), len(asked)) == (["acme"], 1)
    assert "the next minor version refuses it" in str(resumed.warnings[0])
    allowed = load(written("allow_http = true\n" + SQL, base_url="http://shop.lan"), environment=SECRETS, served=served)
    assert (list(allowed.tenants), allowed.warnings, len(asked)) == (["acme"], (), 1)


@pytest.mark.parametrize(
    "spelled",
    ["https://ACME.example", "https://acme.example:443", "HTTPS://acme.example/", "https://acme.example./shop"],
)
def test_an_address_that_another_installation_may_spell_otherwise_is_refused_for_a_new_tenant(written, spelled):
    """The keys of documents contain it: the second installation would make each document again."""
    file = written(SQL, base_url=spelled)
    usual = "https://acme.example" + ("/shop" if "shop" in spelled else "")
    with pytest.raises(ConfigurationError, match=f"write it as {usual}: "):
        load(file, environment=SECRETS)
    served = load(file, environment=SECRETS, served=lambda ledger: {"acme"})
    assert served.tenants["acme"].base_url == spelled.rstrip("/"), "its keys stay as they are"


@pytest.mark.parametrize("usual", ["https://acme.example", "https://acme.example:8443/a/B", "https://[::1]:8443"])
def test_the_usual_spelling_is_accepted(written, usual):
    assert load(written(SQL, base_url=usual), environment=SECRETS).tenants["acme"].base_url == usual


@pytest.mark.parametrize("wrong", ["https://acme.example:port", "https://acme.example:99999", "https://[::1"])
def test_an_address_without_a_possible_port_is_refused(written, wrong):
    with pytest.raises(ConfigurationError, match="write an address such as"):
        load(written(SQL, base_url=wrong), environment=SECRETS)


def test_keys_and_texts_of_every_kind_are_shown_as_toml():
    from shipperone_erp.config.effective_configuration import toml

    odd = {"od\nd key": 'a\x1b[2J\u202e\U000e0041\\ "é"', "n": 1, "yes": True, "list": ["x", {"y": "z"}]}
    assert tomllib.loads(f"it = {toml(odd)}") == {"it": odd}
    assert toml(odd).isprintable()


def test_a_key_with_a_line_break_forges_no_line_of_the_problems(written):
    text = '[tenants.acme.generic_sql]\nurl = "sqlite:///erp.db"\n[tenants.acme.generic_sql.params]\n"x\\n  c.toml:1: fine" = 1\n'
    with pytest.raises(ConfigurationError) as raised:
        load(written(text), environment=SECRETS)
    assert len(str(raised.value).splitlines()) == 2
