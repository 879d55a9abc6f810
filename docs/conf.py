"""Sphinx: `nox -s docs`, or `sphinx-build -W docs build/docs`."""

from importlib import metadata

project = "gdfast"
author = copyright = "the gdfast developers"
try:
    release = metadata.version("gdfast")
except metadata.PackageNotFoundError:
    release = ""

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["figures"]
html_theme = "furo"
html_title = "gdfast"
html_copy_source = html_show_sourcelink = False

# `gdfast.fit` in a docstring is a link.
default_role = "py:obj"
autodoc_typehints = "none"  # the docstrings say what an argument is, with its shape
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
add_module_names = False
toc_object_entries_show_parents = "hide"
