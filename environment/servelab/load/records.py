"""The schema of a measurement file: figures, the samples they are computed from, and where, when and with what they were taken."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from servelab.load.stats import percentile

SCHEMA = 3
#: How the name of a sample says its unit. The longest that fits counts.
UNITS = {
    "_s": "s", "_ms": "ms", "_rps": "requests/s", "_tokens_per_s": "tokens/s", "_per_min": "a minute", "_bytes": "bytes",
    "_gb": "GB", "_gb_per_s": "GB/s", "_tflop_per_s": "TFLOP/s", "_ratio": "times", "_share": "of 1", "_perplexity": "perplexity",
    "_at_10": "of 1", "_tokens": "tokens",
}  # fmt: skip
#: Up to this many repeats the range is the spread; from then on the quartiles.
_QUARTILES_FROM = 5


class Spread(BaseModel):
    """The middle and the spread of repeated samples, in their unit."""

    model_config = ConfigDict(extra="forbid")
    median: float
    q1: float
    q3: float
    min: float
    max: float
    n: int

    @property
    def low(self) -> float:
        """Lower end of the stated spread: the quartile from five samples on, else the smallest."""
        return self.q1 if self.n >= _QUARTILES_FROM else self.min

    @property
    def high(self) -> float:
        """Upper end of the stated spread: the quartile from five samples on, else the largest."""
        return self.q3 if self.n >= _QUARTILES_FROM else self.max

    def __str__(self) -> str:
        return f"{self.median:.3g} ({self.low:.3g} to {self.high:.3g}, n={self.n})"


class Gpu(BaseModel):
    """The GPU of a measurement, as its driver describes it."""

    model_config = ConfigDict(extra="forbid")
    name: str
    count: int = Field(ge=1)
    memory_gb: float = Field(gt=0)
    compute_capability: str
    driver: str = Field(min_length=1)


class Hardware(BaseModel):
    """The machine of a measurement."""

    model_config = ConfigDict(extra="forbid")
    cpu: str = Field(min_length=1)
    cores: int = Field(ge=1)
    memory_gb: float = Field(gt=0)
    system: str = Field(min_length=1)
    gpu: Gpu | None = None


class Record(BaseModel):
    """One measurement file.

    Attributes:
        what: one sentence: what was run, how often, with which settings.
        command: the command that made the file.
        figures: what is published; its numbers are medians of `samples` where both have the same name.
        samples: every repeat's value by a name that ends in its unit, in the order of the repeats.
        summary: median and spread of each, recomputed and compared whenever the file is read.
        ratios: name -> [numerator, denominator], both samples of the same rounds.
        details: settings that one needs to take them again.
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    schema_: int = Field(alias="schema", ge=SCHEMA, le=SCHEMA)
    what: str = Field(min_length=1)
    command: str = Field(min_length=1)
    figures: dict[str, Any] = Field(min_length=1)
    samples: dict[str, list[float]] = Field(min_length=1)
    summary: dict[str, Spread]
    ratios: dict[str, tuple[str, str]] = Field(default_factory=dict)
    details: dict[str, Any]
    seed: int
    repeats: int = Field(ge=1)
    hardware: Hardware
    versions: dict[str, str]
    commit: str = Field(pattern=r"^[0-9a-f]{7,40}$")
    dirty: bool
    taken: date

    @model_validator(mode="after")
    def _whole(self) -> Record:
        if "python" not in self.versions:
            raise ValueError("versions must hold python's")
        if self.hardware.gpu and self.versions.get("nvidia-driver") != self.hardware.gpu.driver:
            raise ValueError("versions must hold the GPU driver's as nvidia-driver")
        self._samples_agree()
        return self

    def _samples_agree(self) -> None:
        for name, values in self.samples.items():
            unit_of(name)
            if not values or not all(math.isfinite(v) for v in values):
                raise ValueError(f"samples of {name} are empty or no numbers")
            told = self.summary.get(name)
            if told is None or not _same(told, spread_of(values)):
                raise ValueError(f"the summary of {name} is not that of its samples")
            figure = self.figures.get(name)
            if isinstance(figure, int | float) and not math.isclose(
                figure, told.median, rel_tol=0.01, abs_tol=5e-4
            ):
                raise ValueError(f"figure {name} is {figure}, the median of its samples {told.median}")
        for name, pair in self.ratios.items():
            lost = [part for part in pair if part not in self.samples]
            if lost:
                raise ValueError(f"ratio {name} is of samples that there are not: {_listed(lost)}")
            if len(self.samples[pair[0]]) != len(self.samples[pair[1]]) or not all(self.samples[pair[1]]):
                raise ValueError(f"ratio {name} cannot be taken round by round")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _same(a: Spread, b: Spread) -> bool:
    pairs = zip(a.model_dump().values(), b.model_dump().values(), strict=True)
    return all(math.isclose(x, y, rel_tol=1e-6, abs_tol=1e-9) for x, y in pairs)


def unit_of(name: str) -> str:
    """The unit that a sample's name says.

    Raises:
        ValueError: it says none.
    """
    found = max((end for end in UNITS if name.endswith(end)), key=len, default=None)
    if found is None:
        raise ValueError(f"{name} does not end in a unit ({', '.join(UNITS)})")
    return UNITS[found]


def spread_of(values: Sequence[float]) -> Spread:
    """Median, quartiles and range of repeated samples: the one place where the project computes them.

    Raises:
        ValueError: there are none.
    """
    if not values:
        raise ValueError("There are no samples.")
    q1, median, q3 = (percentile(values, q) for q in (25, 50, 75))
    return Spread(median=median, q1=q1, q3=q3, min=min(values), max=max(values), n=len(values))


def ratio_values(record: Mapping[str, Any], name: str) -> list[float]:
    """A ratio of a record, round by round: what slows a whole round down does not move it."""
    above, below = record["ratios"][name]
    return [a / b for a, b in zip(record["samples"][above], record["samples"][below], strict=True)]
