"""The screens, one module each: what it reads, what it offers, its addresses."""
