"""Sphinx: `nox -s docs`, or `sphinx-build -W docs build/docs`."""

from importlib import metadata

project = "gdfast"
author = copyright = "the gdfast developers"
try:
    release = metadata.version("gdfast")
except metadata.PackageNotFoundError:
    release = ""

extensions = ["myst_parser"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["figures"]
html_theme = "furo"
html_title = "gdfast"
html_copy_source = html_show_sourcelink = False
