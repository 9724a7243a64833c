"""`init` as a guide: one question after another, each answer checked at once; files are written only at the end."""
