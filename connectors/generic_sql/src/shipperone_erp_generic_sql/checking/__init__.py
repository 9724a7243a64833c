"""`shipperone-erp sql check`: levels of checks, from lint of the file alone to a complete rehearsal."""
