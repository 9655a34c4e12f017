"""Kubernetes' quantities as numbers: `500m`, `2`, `16Gi`, `1e3`.

See https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

_SUFFIX = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1),
    "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9), "T": Decimal(10**12), "P": Decimal(10**15), "E": Decimal(10**18),
    **{f"{letter}i": Decimal(1024**power) for power, letter in enumerate("KMGTPE", start=1)},
}  # fmt: skip
_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))([numkMGTPE]|[KMGTPE]i|[eE][+-]?\d{1,3})?")


def quantity(text: Any) -> Decimal:
    """The number that a quantity means, exactly.

    Raises:
        ValueError: it is none (`16GB`, `1/2`, `two`).
    """
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        raise ValueError(f"{text!r} is no quantity")
    found = _QUANTITY.fullmatch(str(text))
    if found is None:
        raise ValueError(f"{text!r} is no quantity (for example 500m, 2 or 16Gi)")
    number, suffix = Decimal(found[1]), found[2] or ""
    return number * (_SUFFIX[suffix] if suffix in _SUFFIX else Decimal("1" + suffix))
