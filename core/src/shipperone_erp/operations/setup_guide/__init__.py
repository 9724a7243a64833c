"""`init` as a guide: one question after another, each answer checked at once, nothing written before the end."""
