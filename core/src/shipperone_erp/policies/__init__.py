"""Policies that come with core: each is also a worked example, written from what `shipperone_erp` exports alone."""
