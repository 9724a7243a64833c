"""The documentation site: `nox -s docs` builds it, and a warning is an error."""

import tomllib
from pathlib import Path

core = tomllib.loads((Path(__file__).parents[1] / "core" / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = core["name"]
author = f"The {project} maintainers"
release = version = core["version"]
extensions = ["myst_parser"]
myst_heading_anchors = 3
nitpicky = True
html_theme = "furo"
html_title = f"{project} {release}"
html_static_path = ["_static"]
html_css_files = ["style.css"]
html_copy_source = False
html_show_copyright = html_show_sphinx = False
