"""Sphinx's settings for the site that ``make report`` writes."""

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

project = "Gender and age from faces"
html_title = project

extensions = ["myst_nb", "sphinx_copybutton"]
exclude_patterns = ["figures", "results"]
numfig = True
# The paper's own are "Table 3" and so on.
numfig_format = {"figure": "Our Figure %s", "table": "Our Table %s"}

myst_enable_extensions = ["dollarmath", "substitution"]
myst_heading_anchors = 4

nb_execution_mode = "off"  # papermill has run them
nb_merge_streams = True
nb_render_markdown_format = "myst"  # tables in outputs
nb_code_prompt_show = "Show the code"
nb_code_prompt_hide = "Hide the code"
copybutton_selector = "div:not(.output) > div.highlight pre"

html_theme = "sphinx_book_theme"
html_theme_options = {"navbar_persistent": [], "footer_content_items": []}
html_use_index = False  # nothing is indexed
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["zoom.js"]

# Browsers draw MathML themselves. MathJax would be fetched from another host.
html_math_renderer = "mathml"


def setup(app: Sphinx) -> None:
    """Register the renderer of formulas."""

    def draw(writer: HTML5Translator, node: nodes.Element) -> None:
        writer.body.append(tex2mathml(node.astext(), as_block=isinstance(node, nodes.math_block)))
        raise nodes.SkipNode

    app.add_html_math_renderer("mathml", (draw, None), (draw, None))
