"""Checks before an invoice of a listed order is built, and checks of a built invoice. Pure functions."""
