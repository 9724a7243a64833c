"""Commands about the configuration: config check, show, schema. All of them work offline."""

import tomllib

import typer

from shipperone_erp import config as settings
from shipperone_erp.cli.options import DEFAULT_FILE, AsJson, ConfigFile, configuration, print_json, print_text

app = typer.Typer(help="The configuration: check, show, schema.", no_args_is_help=True)


@app.command()
def check(config: ConfigFile = DEFAULT_FILE, as_json: AsJson = False) -> None:
    """Load the configuration and report all of its problems."""
    loaded = configuration(config)
    if as_json:
        print_json({"tenants": sorted(loaded.tenants), "warnings": [str(warning) for warning in loaded.warnings]})
    else:
        print_text(f"{config}: {len(loaded.tenants)} tenant(s), no problems")


@app.command()
def show(config: ConfigFile = DEFAULT_FILE, as_json: AsJson = False) -> None:
    """The effective configuration, defaults included, secrets masked."""
    shown = settings.show(configuration(config))
    if as_json:
        print_json(tomllib.loads(shown))
    else:
        print_text(*shown.split("\n"))


@app.command()
def schema(as_json: AsJson = False) -> None:
    """The JSON schema of the file, for editors. With the settings of each installed connector; always JSON."""
    print_json(settings.schema())
