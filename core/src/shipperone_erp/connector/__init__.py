"""What a connector or policy implements, and how it is found, loaded and called."""
