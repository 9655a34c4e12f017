"""How Sphinx makes the course's pages. `servelab website` lays the sources beside this file first."""

project = "Serving LLMs in Production"
copyright = "the course's authors, MIT licence"
language = "en"

extensions = ["myst_nb", "servelab.website.mathml"]
root_doc = "index"
html_title = project
html_theme = "sphinx_book_theme"
html_static_path = ["_static"]
html_css_files = ["course.css"]
html_copy_source = False
html_show_sourcelink = False
html_last_updated_fmt = None
html_favicon = "_static/favicon.svg"
html_context = {"default_mode": "auto"}  # light or dark as the reader's system is
html_theme_options = {
    "show_toc_level": 2,
    "show_navbar_depth": 1,
    "use_download_button": False,
    "use_fullscreen_button": False,
    "show_prev_next": True,
    "footer_content_items": ["copyright.html"],
    "navbar_start": [],
    "navbar_center": [],
    "navbar_end": [],
    "navbar_persistent": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}

myst_enable_extensions = ["deflist", "dollarmath"]
myst_dmath_allow_space = myst_dmath_allow_digits = False  # `$5 and $6` are prices
myst_heading_anchors = 4
nb_code_prompt_show, nb_code_prompt_hide = "Show the check", "Hide the check"
nb_execution_mode = "off"  # the labs here are what students get: nothing has run yet
math_renderer = html_math_renderer = "mathml"
# A fence in a language that Pygments does not know is shown as it is.
suppress_warnings = ["misc.highlighting_failure"]
