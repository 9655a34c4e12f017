"""What a late submission costs: per day begun, after some grace, with extensions for single students."""

from __future__ import annotations

import math
from typing import Any

from nbgrader.plugins import BasePlugin
from traitlets import Dict, Float

_HOUR, _DAY = 3600.0, 86400.0


class LatePolicy(BasePlugin):
    """nbgrader's late penalty as a percentage of the points earned for every day that has begun.

    Set in `nbgrader_config.py`: `c.LatePolicy.percent_per_day = 10`. A submission without a timestamp is not late; its verdict
    says "no timestamp".
    """

    percent_per_day = Float(
        0.0, min=0.0, max=100.0, help="Of the points earned, for each day begun; 0 takes nothing."
    ).tag(config=True)
    grace_minutes = Float(15.0, min=0.0, help="So late costs nothing; later counts from the deadline.").tag(
        config=True
    )
    extensions_hours = Dict(
        {},
        help='More time, by student or by "student/assignment"; the second counts if both are there.',
    ).tag(config=True)

    def late_submission_penalty(
        self, student_id: str, score: float, total_seconds_late: float
    ) -> float | None:
        """The points to take off, between 0 and `score`; None for none.

        Args:
            student_id: who handed in.
            score: points earned.
            total_seconds_late: since the deadline, by the timestamp of the submission.
        """
        late_s = total_seconds_late - self._extension_s(student_id)
        if late_s <= self.grace_minutes * 60 or not math.isfinite(late_s):
            return None
        share = min(1.0, math.ceil(late_s / _DAY) * self.percent_per_day / 100)
        return round(max(0.0, score) * share, 6) or None

    def _extension_s(self, student_id: str) -> float:
        assignment: Any = getattr(self.parent, "assignment_id", "")
        hours = self.extensions_hours.get(
            f"{student_id}/{assignment}", self.extensions_hours.get(student_id, 0)
        )
        return float(hours) * _HOUR
