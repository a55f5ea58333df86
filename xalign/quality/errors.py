"""What can go wrong with a quality model."""

from xalign.errors import XalignError


class QualityError(XalignError, ValueError):
    """Pairs cannot be read, or a quality model cannot be trained, written or loaded; the message says what to do."""
