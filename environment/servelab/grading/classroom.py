"""A course directory of its own in a scratch folder, worked through nbgrader's own commands."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from nbgrader.api import Gradebook

from servelab.errors import CourseError
from servelab.grading.handed_in import write_files

#: One nbgrader command; autograding executes whole notebooks.
COMMAND_TIMEOUT_S = 900


class ClassroomError(RuntimeError):
    """An nbgrader command failed. The text names it and ends with what it logged last."""


class Classroom:
    """A course with its own exchange and gradebook, and students who each have their own folder.

    Everything that nbgrader makes stays under `folder`; the course that it is made from is only read.
    """

    #: The gradebook, where it is not the SQLite file in the folder.
    gradebook_url: str | None = None

    def __init__(self, folder: Path, course: Path, labs: list[str], gradebook_url: str | None = None) -> None:
        """Copy the course's nbgrader configuration and the named labs' solution notebooks.

        Raises:
            CourseError: a lab has no solution notebook.
        """
        self.folder, self.gradebook_url = folder, gradebook_url
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(course / "nbgrader_config.py", folder)
        for lab in labs:
            if not (course / "solutions" / lab / f"{lab}.ipynb").is_file():
                raise CourseError(f"solutions/{lab} has no notebook: run `servelab build` first.")
            shutil.copytree(
                course / "solutions" / lab,
                folder / "solutions" / lab,
                ignore=shutil.ignore_patterns("*.py", ".*", "__pycache__"),
            )
        if (course / "quizzes").is_dir():
            shutil.copytree(course / "quizzes", folder / "quizzes")
        (folder / "labs").mkdir()

    def desk(self, student: str) -> Path:
        """The folder in which a student works: what they fetched, and the feedback they got."""
        return self.folder / "students" / student / "work"

    def notebook(self, lab: str, student: str) -> Path:
        """A student's own copy of a lab."""
        return self.desk(student) / lab / f"{lab}.ipynb"

    def submitted(self, lab: str, student: str) -> Path:
        """Where a submission lies once it is collected."""
        return self.folder / "gradebook" / "submitted" / student / lab / f"{lab}.ipynb"

    def environment(self, student: str | None = None) -> dict[str, str]:
        """The environment of a command: this course, and nothing of the person's own Jupyter settings."""
        home = self.folder / ("students/" + student if student else "teacher")
        leave = ("NBGRADER_EXECUTION", "SERVELAB_GRADEBOOK", "SERVELAB_EXCHANGE", "SERVELAB_WORK")
        leave += ("SERVELAB_EXCHANGE_URL",)
        kept = {name: value for name, value in os.environ.items() if name not in leave}
        return kept | {
            "SERVELAB_ROOT": str(self.folder),
            "SERVELAB_GRADEBOOK_URL": self.gradebook_url or "",
            "SERVELAB_WORK": str(home / "work"),
            "SERVELAB_PROGRESS": "0",
            # The exchange keeps a student's receipts there, without which no feedback can be fetched.
            "JUPYTER_DATA_DIR": str(home / ".jupyter-data"),
            "JUPYTER_CONFIG_DIR": str(home / ".jupyter-config"),
            "IPYTHONDIR": str(home / ".ipython"),
        }

    def nbgrader(self, *arguments: str, student: str | None = None) -> str:
        """Run `nbgrader ...` as the instructor, or as a student in their own folder; returns its log.

        Raises:
            ClassroomError: it failed, or said that it did.
        """
        place = self.desk(student) if student else self.folder
        place.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "nbgrader", *arguments]
        if student:
            command += ["--student", student]
        shown = "nbgrader " + " ".join(arguments)
        try:
            done = subprocess.run(
                command,
                cwd=self.folder,
                env=self.environment(student),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=COMMAND_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ClassroomError(
                f"`{shown}` took longer than {COMMAND_TIMEOUT_S} s and was stopped"
            ) from None
        # Some commands log an error and still exit with 0.
        if done.returncode != 0 or "| ERROR]" in done.stdout:
            last = "\n".join(done.stdout.strip().splitlines()[-12:])
            raise ClassroomError(f"`{shown}` failed (exit status {done.returncode}):\n{last}")
        return done.stdout

    def hand_in(self, lab: str, student: str, text: str, files: Mapping[str, bytes] | None = None) -> None:
        """Put a submission where collecting would put it: a notebook, and files beside it."""
        path = self.submitted(lab, student)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        write_files(path.parent, files or {})

    def points(self, lab: str, student: str) -> dict[str, tuple[float, float]]:
        """Automatic points and their maximum by check, as they stand in the gradebook.

        A check that a person has to score is left out.

        Raises:
            ClassroomError: the gradebook has no grades of this submission.
        """
        sqlite = f"sqlite:///{self.folder / 'gradebook' / 'gradebook.db'}?timeout=60"
        with Gradebook(self.gradebook_url or sqlite) as gradebook:
            try:
                grades = gradebook.find_submission_notebook(lab, lab, student).grades
            except Exception as error:
                raise ClassroomError(f"the gradebook has no grades of {student} for {lab}: {error}") from None
            found = {}
            for grade in grades:
                if grade.cell.cell_type != "code":
                    continue
                if grade.auto_score is None:
                    raise ClassroomError(
                        f"the gradebook has no automatic score of {student} for {grade.name}"
                    )
                found[grade.name] = (float(grade.auto_score), float(grade.max_score))
        return found
