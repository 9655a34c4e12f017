"""One file to hand in: the notebook, and what its lab asks for beside it, in a zip archive.

A learning platform, and Colab's own download, carry one file. `nbgrader submit` and the JupyterLab extension carry the whole
folder and need none of this. What the archive holds is what `nbgrader zip_collect` puts back: the notebook, and the files at their
places beside it.
"""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from servelab import paths
from servelab.course.live import is_grading
from servelab.errors import CourseError
from servelab.grading.handed_in import asked_for, read_files
from servelab.grading.repair import read_notebook


def pack(lab: str, folder: Path, *, notebook: NotebookNode | None = None, files: Sequence[str] = ()) -> Path:
    """Write `folder/<lab>.zip`, over an older one, and say what is in it.

    Args:
        lab: the lab's full name.
        folder: where the notebook lies, and the files beside it.
        notebook: the notebook as it is now; by default as it was saved.
        files: what the lab asks for, where the notebook has lost its own list.

    Returns:
        The archive.

    Raises:
        CourseError: there is no notebook, or a file cannot be taken (it is a link, or too large).
    """
    if notebook is None:
        notebook = read_notebook(folder / f"{lab}.ipynb")
    names = asked_for(notebook) or tuple(files)
    found, notes = read_files(folder, names)
    if notes:
        raise CourseError(f"Nothing was packed: {notes[0]}")
    target = folder / f"{lab}.zip"
    fresh = target.with_suffix(".zip.new")
    with zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{lab}.ipynb", nbformat.writes(notebook))
        for name, content in found.items():
            archive.writestr(name, content)
    fresh.replace(target)
    held = ", ".join([f"{lab}.ipynb", *found])
    print(f"{target.name} ({target.stat().st_size / 1e6:.1f} MB) holds {held}. Hand in this one file.")
    for name in names:
        if name not in found:
            print(f"{name} is not there: the question that asks for it will earn nothing.")
    return target


def offer(lab: str) -> None:
    """The last cell of a lab: a button for the download on Colab, elsewhere a line on how to hand in."""
    if is_grading():
        return
    if not paths.on_colab():
        print(
            f"To hand in, save this notebook and submit {lab} under Nbgrader > Assignment List. "
            f"For a learning platform, `servelab pack {lab[:2]}` puts all of it into one file."
        )
        return
    print(
        "To hand in, press the button and upload the file that is downloaded. "
        f'If nothing happens, run servelab.pack("{lab}") in a cell of its own.'
    )
    _button(lab)


def _button(lab: str) -> None:
    """A button that packs and downloads. It is drawn anew whenever the cell runs."""
    from IPython.display import display
    from ipywidgets import Button, Layout, Output

    button = Button(description="Download for submission", icon="download", layout=Layout(width="auto"))
    said = Output()

    def pressed(_: Button) -> None:
        said.clear_output()
        with said:
            try:
                pack_here(lab)
            except CourseError as error:
                print(error)

    button.on_click(pressed)
    display(button, said)


def pack_here(lab: str, *, files: Sequence[str] = ()) -> Path:
    """Pack the notebook in which this is called, from the folder in which it runs. On Colab the download begins.

    Raises:
        CourseError: see `pack`; on Colab also, when the browser does not answer.
    """
    if not paths.on_colab():
        return pack(lab, Path.cwd(), files=files)
    path = pack(lab, Path.cwd(), notebook=_from_colab(), files=files)
    with contextlib.suppress(ImportError):
        from google.colab import files as colab

        colab.download(str(path))
    return path


def _from_colab() -> NotebookNode:
    """The notebook as it stands in the browser: Colab keeps no file of it where its kernel runs."""
    try:
        from google.colab import _message

        told = _message.blocking_request("get_ipynb", request="", timeout_sec=30)
        return nbformat.from_dict(nbformat.convert(nbformat.from_dict(told["ipynb"]), 4))
    except Exception as error:  # a private interface of Colab's: whatever is wrong with it means the same
        raise CourseError(
            f"Colab did not give the notebook ({type(error).__name__}): save it (File > Download .ipynb). If the lab asks for"
            " files beside it, download them from the file browser and put all into one zip archive."
        ) from None
