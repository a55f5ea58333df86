"""Under which names a model's files hold its parameters: they differ by a prefix from those it has in memory."""

import re
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any

import safetensors
import torch
from torch import Tensor, nn

from xalign.encoders.sources import ModelSource

OLD_ENDINGS = ((r"\.weight$", ".gamma"), (r"\.bias$", ".beta"))
"""How the first BERTs called what norms have."""


def stored_names(source: ModelSource, module: nn.Module) -> dict[str, str]:
    """Find under which name each parameter of a freshly loaded model is stored.

    Name, shape and value must agree, the name up to one prefix for all (`roberta.`, `model.encoder.`). What is stored
    under another name, as shared embeddings are, is found by shape and value where only one tensor has them.

    Args:
        source: The model's files.
        module: The model as loaded from them, in float32.

    Returns:
        The stored name of each parameter; those that are stored nowhere, or in another form, are left out.
    """
    with ExitStack() as stack:
        stored = _Stored([stack.enter_context(safetensors.safe_open(path, "pt")) for path in source.weights])
        values = dict(module.named_parameters(remove_duplicate=False))
        alike = {
            name: {found[: -len(end)]: found for found, end in stored.alike(name, values[name])} for name in values
        }
        prefix = _common(prefixes for prefixes in alike.values() if prefixes)
        names = {name: found[prefix] for name, found in alike.items() if prefix in found}
        for name in values.keys() - names.keys():
            same = [other for other in stored.names if stored.holds(other, values[name])]
            if len(same) == 1:
                names[name] = same[0]
    return names


def _common(prefixes: Iterable[Iterable[str]]) -> str | None:
    """Return the prefix that serves most parameters; of equals the shortest."""
    counts: dict[str, int] = {}
    for some in prefixes:
        for prefix in some:
            counts[prefix] = counts.get(prefix, 0) + 1
    return min(counts, key=lambda prefix: (-counts[prefix], len(prefix)), default=None)


class _Stored:
    """The tensors of some open safetensors files."""

    def __init__(self, files: list[Any]):
        self.names = {name: file for file in files for name in file.keys()}  # noqa: SIM118 - no mapping

    def alike(self, name: str, value: Tensor) -> list[tuple[str, str]]:
        """Return the stored names that end in a parameter's, and the ending, where its value is stored."""
        endings = {name, *(re.sub(new, old, name) for new, old in OLD_ENDINGS)}
        return [
            (found, end)
            for end in endings
            for found in self.names
            if (found == end or found.endswith("." + end)) and self.holds(found, value)
        ]

    def holds(self, name: str, value: Tensor) -> bool:
        """Say whether a stored tensor has a parameter's shape and value."""
        file = self.names[name]
        if tuple(file.get_slice(name).get_shape()) != tuple(value.shape):
            return False
        return torch.equal(file.get_tensor(name).to(value.dtype), value.detach().cpu())
