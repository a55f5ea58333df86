"""Does alignment predict transfer? A topic probe trained in one language, tested in all, beside every probe's score."""

from xalign.transferring.results import Transfer
from xalign.transferring.running import transfer

__all__ = ["Transfer", "transfer"]
