"""`shipperone-erp sql check`: from what can be seen in the file alone to a whole rehearsal, level by level."""
