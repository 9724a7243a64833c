"""The documentation site: `nox -s docs` builds it, and a warning is an error."""

from importlib.metadata import version as installed

project = "shipperone-erp"
author = "The shipperone-erp maintainers"
release = version = installed("shipperone-erp")
extensions = ["myst_parser"]
myst_heading_anchors = 3
nitpicky = True
html_theme = "furo"
html_title = f"{project} {release}"
html_copy_source = False
html_show_sphinx = False
