"""What a lab takes of a machine, as its header says and its released notebook carries."""

from __future__ import annotations

from pydantic import BaseModel, Field


class Needs(BaseModel, extra="forbid"):
    """The field `needs` of a lab's header. `cores` and `memory_gb` are what the README promises will do.

    Attributes:
        engine: whether the lab starts vLLM.
        own_gib: main memory of the lab's own processes, beside the engine's, in GiB.
        made: artefacts beside the model, by the names that `servelab artefacts` prints.
    """

    cores: int = Field(2, ge=1)
    memory_gb: float = Field(6, gt=0)
    engine: bool = True
    own_gib: float = Field(0.5, gt=0)
    made: tuple[str, ...] = ()

    def words(self) -> str:
        """For a table: `2 cores, 6 GB`."""
        return f"{self.cores} core{'s' if self.cores > 1 else ''}, {self.memory_gb:g} GB"
