"""The documentation as a site: `sphinx-build -W --keep-going -b html docs build/docs`. It needs no network."""

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # the sources of this tree, not an installed copy of them

project = "latticefarm"
author = "latticefarm developers"
project_copyright = f"2026, {author}"
release = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
default_role = "literal"  # docstrings write `name`, as these pages do
myst_heading_anchors = 4
autodoc_member_order = "bysource"
autodoc_typehints = "description"
# the changelog leaves a level out where a release has no more than one part
suppress_warnings = ["myst.header"]

html_theme = "furo"
html_title = f"latticefarm {release}"
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
