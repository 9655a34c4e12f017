"""Where nbgrader needs help from us: emptying quiz answers, and keeping a release when generating it fails."""

from __future__ import annotations

import functools
import shutil
import tempfile
from pathlib import Path

from nbgrader.converters import GenerateAssignment
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearMarkScheme,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    IncludeHeaderFooter,
    LockCells,
    SaveCells,
)

from servelab.course.quiz import clear_answer


class ClearAnswers(ClearSolutions):
    """ClearSolutions that also empties quiz answers.

    The stock one replaces a region, or a whole cell, by a stub that raises; a quiz needs its line kept with
    an empty string in it. It reads the configuration of `ClearSolutions`.
    """

    def preprocess_cell(self, cell, resources, cell_index):
        """One cell, as nbconvert calls it."""
        cleared = clear_answer(cell.source) if cell.cell_type == "code" else None
        if cleared is None:
            return super().preprocess_cell(cell, resources, cell_index)
        cell.source = cleared
        return cell, resources


# nbgrader's own list with ClearAnswers for ClearSolutions, and without InstantiateTests (which would need a
# kernel for a feature the course does not use).
GENERATE_PREPROCESSORS = [
    IncludeHeaderFooter,
    LockCells,
    ClearAnswers,
    ClearOutput,
    CheckCellMetadata,
    ComputeChecksums,
    SaveCells,
    ClearHiddenTests,
    ClearMarkScheme,
    ComputeChecksums,
    CheckCellMetadata,
]


def keep_release_on_failure() -> None:
    """Make nbgrader put a release back when generating its successor fails.

    nbgrader 0.9.6 removes the old release before it looks at the new source, and `GenerateAssignment` has
    no hook before that. So its `convert_notebooks` is wrapped: `nbgrader generate_assignment` and
    Formgrader's button are then safe too. Wrapping twice changes nothing.
    """
    original = GenerateAssignment.convert_notebooks
    if getattr(original, "keeps_release", False):
        return

    @functools.wraps(original)
    def convert_notebooks(self):
        released = {Path(self._format_dest(Path(source).name, ".")).resolve() for source in self.assignments}
        with tempfile.TemporaryDirectory(prefix="servelab-release-") as scratch:
            kept = {
                folder: Path(scratch) / str(i) for i, folder in enumerate(sorted(released)) if folder.is_dir()
            }
            for folder, copy in kept.items():
                shutil.copytree(folder, copy)
            try:
                return original(self)
            except BaseException:
                for folder, copy in kept.items():
                    shutil.rmtree(folder, ignore_errors=True)  # half a release is worse than the old one
                    shutil.copytree(copy, folder)
                    self.log.warning("Generating failed: put the earlier release back in %s", folder)
                raise

    convert_notebooks.keeps_release = True
    GenerateAssignment.convert_notebooks = convert_notebooks
