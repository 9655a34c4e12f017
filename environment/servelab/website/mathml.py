"""A Sphinx extension: formulas as MathML, which browsers show by themselves, so that no page needs a script for them."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging

_log = logging.getLogger(__name__)
# Docutils knows large brackets only by their side: \Bigl( and \Bigr).
_LARGE = re.compile(r"\\([bB]igg?)(?=\s*(\\?[(\[{|)\]}]))")


def mathml(formula: str, as_block: bool) -> str:
    """A LaTeX formula as MathML.

    Raises:
        MathError: a command that docutils does not know.
    """
    sided = _LARGE.sub(lambda hit: f"\\{hit[1]}{'r' if hit[2][-1] in ')]}' else 'l'}", formula)
    return tex2mathml(sided, as_block=as_block)


def _written(node: nodes.Element, as_block: bool) -> str:
    try:
        return mathml(node.astext(), as_block)
    except MathError as error:
        _log.warning("a formula cannot be shown (%s): %s", error, node.astext(), location=node)
        return f"<code>{node.astext()}</code>"


def inline(writer: Any, node: nodes.math) -> None:
    """Write a formula within a line."""
    writer.body.append(_written(node, as_block=False))
    raise nodes.SkipNode


def displayed(writer: Any, node: nodes.math_block) -> None:
    """Write a formula on a line of its own."""
    writer.body.append(f'<div class="math">{_written(node, as_block=True)}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer `mathml`."""
    app.add_html_math_renderer("mathml", (inline, None), (displayed, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
