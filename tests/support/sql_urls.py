"""An address of each kind of database."""

URLS = {
    "sqlite": "sqlite:///erp.db", "postgresql": "postgresql://u@h/erp", "mariadb": "mariadb://u@h/erp",
    "mysql": "mysql://u@h/erp", "mssql": "mssql://u@h/erp", "oracle": "oracle://u@h/?service_name=erp",
}  # fmt: skip
