"""Modules that every other package uses: errors, JSON, durations, redaction, printable text, private files."""
