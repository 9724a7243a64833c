"""Fixtures of the tests on a real Odoo server."""

from odoo_breaks import shop
from odoo_live import about, key, recordings, seed

__all__ = ["about", "key", "recordings", "seed", "shop"]
