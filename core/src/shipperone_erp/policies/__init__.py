"""Policies of core. Each is also an example, which uses only the exports of `shipperone_erp`."""
