"""The course as nbgrader sees it. Works from any folder: `nbgrader --course-dir DIR ...` or `SERVELAB_ROOT=DIR`."""

import os
import sys
from pathlib import Path

from servelab.course.nbgrader import GENERATE_PREPROCESSORS, keep_release_on_failure
from servelab.grading import autograde, collecting, feedback
from servelab.grading.late import LatePolicy

c = get_config()  # noqa: F821 - nbgrader puts it there

# nbgrader makes a new gradebook by running `alembic`, which must be found when .venv is not activated.
scripts = str(Path(sys.executable).parent)
if scripts not in os.environ.get("PATH", "").split(os.pathsep):
    os.environ["PATH"] = os.pathsep.join([scripts, os.environ.get("PATH", "")])

root = Path(os.environ.get("SERVELAB_ROOT") or Path(__file__).parent).resolve()
# What grading makes: the gradebook, submissions, feedback. Never in git, never in a student's folder.
office = Path(os.environ.get("SERVELAB_GRADEBOOK") or root / "gradebook").resolve()
# Where releases and submissions change hands. Students on one machine share it: see the README.
exchange = Path(os.environ.get("SERVELAB_EXCHANGE") or office / "exchange").resolve()
work = Path(os.environ.get("SERVELAB_WORK") or root / "work").resolve()
for folder in (office, work):
    folder.mkdir(parents=True, exist_ok=True)

c.CourseDirectory.course_id = "serving-llms"
c.CourseDirectory.root = str(root)
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "labs"
c.CourseDirectory.submitted_directory = os.path.relpath(office / "submitted", root)
c.CourseDirectory.autograded_directory = os.path.relpath(office / "autograded", root)
c.CourseDirectory.feedback_directory = os.path.relpath(office / "feedback", root)
# Without this the source text, with every answer, is copied into labs/ and beside the graded notebook.
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback", "*.py", ".*"]
# Absolute, because commands start anywhere; the timeout lets several graders share one SQLite file.
sqlite = f"sqlite:///{office / 'gradebook.db'}?timeout=60"
url = os.environ.get("SERVELAB_GRADEBOOK_URL") or sqlite
# The driver that is installed; SQLAlchemy would take another for this scheme.
for scheme in ("postgresql://", "postgres://"):
    if url.startswith(scheme):
        url = "postgresql+psycopg://" + url.removeprefix(scheme)
c.CourseDirectory.db_url = url

c.Exchange.assignment_dir = str(work)
c.Exchange.path_includes_course = False

c.GenerateAssignment.preprocessors = GENERATE_PREPROCESSORS
keep_release_on_failure()

c.ClearSolutions.begin_solution_delimeter = "### BEGIN SOLUTION"
c.ClearSolutions.end_solution_delimeter = "### END SOLUTION"
c.ClearSolutions.code_stub = {
    "python": "# YOUR CODE HERE\n"
    'raise NotImplementedError("Not written yet: put your code here, run this cell, then its check.")'
}
c.ClearSolutions.text_stub = "*Write your answer here.*"
c.ClearHiddenTests.begin_test_delimeter = "### BEGIN HIDDEN TESTS"
c.ClearHiddenTests.end_test_delimeter = "### END HIDDEN TESTS"

collecting.configure(c)  # no link followed, no archive too large
# On a cluster no folder is shared: an exchange over HTTP, for example http://ngshare:8080/services/ngshare
service = os.environ.get("SERVELAB_EXCHANGE_URL")
if service:
    from servelab.grading import exchange_service

    exchange_service.configure(c, service)
else:
    exchange.mkdir(parents=True, exist_ok=True)
    c.Exchange.root = str(exchange)
autograde.configure(c)  # our route: repair, sandbox, judge
feedback.configure(c)  # no hidden test, no script; explanations after the deadline
c.AssignLatePenalties.plugin_class = LatePolicy
c.LatePolicy.percent_per_day = (
    0  # for example 10; grace_minutes and extensions_hours = {"ada": 48} belong to it
)

c.Execute.timeout = (
    120  # for Validate: the stock 30 s is short for a cell that loads a model on a busy machine
)
# A warning on standard error would make nbgrader score a passed check 0. Both settings are needed.
c.IgnorePattern.enabled = True
c.IgnorePattern.pattern = r"(?s).*"
c.LimitOutput.max_lines = 300
c.LimitOutput.max_traceback = 60
