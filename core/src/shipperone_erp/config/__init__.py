"""The one TOML file: what it may say, reading it with every problem named at once, showing it, its schema."""

from shipperone_erp.config.durations import parse_duration
from shipperone_erp.config.loading import load
from shipperone_erp.config.schema import schema
from shipperone_erp.config.settings import Configuration, RuntimeSettings, TenantSettings
from shipperone_erp.config.showing import show
from shipperone_erp.config.template import template

__all__ = [
    "Configuration",
    "RuntimeSettings",
    "TenantSettings",
    "load",
    "parse_duration",
    "schema",
    "show",
    "template",
]
