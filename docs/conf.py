"""The Sphinx site: Markdown pages beside the code they tell of, API pages from docstrings."""

from sphinx.ext.napoleon.docstring import NumpyDocstring

from holdfast import __version__

project = "holdfast"
author = "The holdfast authors"
copyright = "2026, The holdfast authors"
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

napoleon_google_docstring = False
napoleon_numpy_docstring = True
napoleon_use_rtype = False

# Napoleon takes what stands before a colon in an attribute's docstring for its type. Ours are annotated, and their
# docstrings are prose.
NumpyDocstring._parse_attribute_docstring = lambda self: self._consume_to_end()

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
autodoc_default_options = {"members": True, "exclude-members": "model_config"}
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88

html_theme = "furo"
html_title = "holdfast"
html_static_path = ["_static"]
html_css_files = ["holdfast.css"]
html_show_sphinx = False
html_copy_source = False
