"""Grading: lay a student's answers onto the lab, execute, score, and say it in words."""

from servelab.grading.run import grade
from servelab.grading.verdict import CellRun, CellScore, GradeReport

__all__ = ["CellRun", "CellScore", "GradeReport", "grade"]
