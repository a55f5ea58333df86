"""From activations to the rows of a report: every probe's score, null and interval."""

from xalign.judging.groups import Scores, in_order, judge_groups
from xalign.judging.lens import judge_lens
from xalign.judging.rows import Judging

__all__ = ["Judging", "Scores", "in_order", "judge_groups", "judge_lens"]
