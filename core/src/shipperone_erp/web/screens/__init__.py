"""The screens, one module each: the data it reads, its actions, its routes."""
