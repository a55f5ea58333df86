"""Bring a model's languages together by training on aligned sentences and words, and see what moved."""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from xalign.realigning.results import Realignment
    from xalign.realigning.running import realign
    from xalign.realigning.settings import RealignmentSettings

__all__ = ["Realignment", "RealignmentSettings", "realign"]

# Looked up on first use: `xalign report` asks `folders` what a folder is, without torch.
__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={"results": ["Realignment"], "running": ["realign"], "settings": ["RealignmentSettings"]},
)
