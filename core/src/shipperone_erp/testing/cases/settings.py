"""C: invalid settings are refused, and secrets in them are never shown."""

from typing import Any

from pydantic import SecretStr, ValidationError

from shipperone_erp.connector.api import ConnectorSettings, settings_type
from shipperone_erp.testing.bench import Bench
from shipperone_erp.testing.case import case
from shipperone_erp.testing.findings import Finding, must

PLANTED = "kit-planted-4711-secret"


@case(
    "C1",
    "an unknown key is refused",
    static=True,
    suffers="A misspelt `warehose` is ignored, and the goods of one shop leave another shop's stock.",
    cure="Derive every settings model, nested ones too, from ConnectorSettings and leave model_config alone.",
)
def refuses_unknown_keys(bench: Bench) -> None:
    """The settings model is given an unknown key; its error must name it. `ConnectorSettings` does that: derive from
    it and leave `extra` unchanged, in nested models too."""
    key = "a_key_that_nobody_knows"
    try:
        settings_type(bench.found).model_validate({key: 1})
    except ValidationError as error:
        named = [one for one in error.errors(include_input=False) if one["loc"] == (key,)]
        must(named, f"{settings_type(bench.found).__name__} does not report that {key} is unknown")
    else:
        raise Finding(f"{settings_type(bench.found).__name__} accepts the key {key} without an error")


@case(
    "C2",
    "an error in the settings does not show the given values",
    static=True,
    suffers="An error in the TOML prints the ERP's password to the service's log.",
    cure="Leave hide_input_in_errors on, and keep the value out of the messages of your own validators.",
)
def shows_no_input(bench: Bench) -> None:
    """A secret is planted at its proper place, with every other value invalid; in a form that is wrong for every
    field; and under a key that does not exist. No rendering of the error (`str`, `repr`, its arguments) may contain
    it."""
    model = settings_type(bench.found)
    wrongs: list[dict[str, Any]] = [
        dict.fromkeys(model.model_fields, form) for form in ([PLANTED, 1], {"x": [PLANTED]})
    ]
    wrongs.append(
        {name: PLANTED if "Secret" in str(field.annotation) else [1] for name, field in model.model_fields.items()}
    )
    for wrong in (*({**wrong, "unknown": PLANTED} for wrong in wrongs), {"unknown": PLANTED}):
        try:
            model.model_validate(wrong)
        except ValidationError as error:
            sentence = f"{error} {error!r} {error.args}"
            must(
                PLANTED not in sentence,
                f"the error of {model.__name__} repeats the given values: keep hide_input_in_errors",
            )
        except ValueError as error:
            must(PLANTED not in str(error), f"the error of {model.__name__} repeats the given values")


@case(
    "C3",
    "a setting that looks like a secret is declared as one",
    probes="settings",
    suffers="`config show` and every report attached to a ticket contain the password.",
    cure="Annotate the field as Secret and call get_secret_value() only where the login is made.",
)
def declares_secrets(bench: Bench) -> None:
    """Fields whose names indicate a password, a token, a secret or an API key are of type `Secret`, at any depth."""
    settings = bench.validated(bench.harness.settings())
    plain = list(_plain(settings))
    must(not plain, f"{', '.join(plain)} of {type(settings).__name__} looks like a secret: declare it as Secret")


@case(
    "C4",
    "a connector never shows its secrets",
    probes="settings",
    suffers="The password is in the log as soon as an object is logged.",
    cure="Pass the Secret on, not its text, and give a connection object that holds the text no repr of its own.",
)
def hides_secrets(bench: Bench) -> None:
    """`repr`, `str` and `format` of the connector and its settings, and the settings as JSON, contain no secret."""
    settings, secrets = bench.secret_settings()
    connector = bench.made(settings)
    shown = [repr(connector), str(connector), f"{connector}", repr(settings), str(settings), settings.model_dump_json()]
    for secret in secrets:
        must(
            not any(secret in text for text in shown),
            "repr, str or JSON of the connector or its settings holds a secret",
        )


_SPEAKS = ("password", "passwd", "token", "secret", "api_key", "apikey", "private_key")


def _plain(settings: ConnectorSettings) -> Any:
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, ConnectorSettings):
            yield from _plain(value)
        elif isinstance(value, str) and not isinstance(value, SecretStr) and any(w in name.lower() for w in _SPEAKS):
            yield name
