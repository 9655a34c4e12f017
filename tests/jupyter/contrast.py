"""Whether text on a page can be read: WCAG's contrast ratio of each text against what lies behind it."""

from __future__ import annotations

from playwright.sync_api import Locator

#: WCAG 2.2, level AA, for text of ordinary size.
ENOUGH = 4.5

_POOR = """
(root, enough) => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = css => {  // any notation, as Chromium computes it
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = css;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], under) => [r, g, b].map((v, i) => a * v + (1 - a) * under[i]);
  const light = colour => {
    const [r, g, b] = colour.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = e => {  // layers that let something through are laid over what is below them
    if (!e) return [255, 255, 255];
    const colour = rgba(getComputedStyle(e).backgroundColor);
    return colour[3] === 1 ? colour.slice(0, 3) : over(colour, behind(e.parentElement));
  };
  return [root, ...root.querySelectorAll("*")]
    .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()))
    .filter(e => e.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && e.getClientRects().length)
    .map(e => {
      const ground = behind(e);
      const [a, b] = [light(over(rgba(getComputedStyle(e).color), ground)), light(ground)].sort((x, y) => y - x);
      return [e.innerText.slice(0, 40), Math.round(100 * (a + 0.05) / (b + 0.05)) / 100];
    })
    .filter(([, ratio]) => ratio < enough);
}
"""


def poor_contrast(part: Locator, enough: float = ENOUGH) -> list[tuple[str, float]]:
    """The texts in a part of a page that stand out too little: [(text, contrast ratio)]."""
    return [(str(text), float(ratio)) for text, ratio in part.evaluate(_POOR, enough)]


def ratio(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """WCAG's contrast ratio of two colours, each red, green and blue from 0 to 255."""

    def light(colour: tuple[int, int, int]) -> float:
        parts = [value / 255 for value in colour]
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)
