"""A connector that cannot even be imported."""

raise RuntimeError("password=honest-erp-password")
