"""The model that is trained, and how what it learned gets back under the names that its files have."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from xalign.encoders.encoder import Encoder
from xalign.encoders.layered import LayeredModel
from xalign.errors import ModelError
from xalign.realigning.freezing import set_trained
from xalign.realigning.keeping import set_weights
from xalign.realigning.low_rank import add_low_rank, merge_low_rank
from xalign.realigning.network import AlignedLayers
from xalign.realigning.settings import RealignmentSettings
from xalign.realigning.stored_names import stored_names


@dataclass(frozen=True, eq=False)
class Learner:
    """A model with some of its parameters set to be trained.

    Attributes:
        network: What is trained.
        adapted: What peft made of the model, or None.
        stored: The names in the model's files of the parameters that training can change.
        n_trained: How many numbers are trained.
    """

    network: AlignedLayers
    adapted: Any
    stored: Mapping[str, str]
    n_trained: int

    def learned(self, weights: Mapping[str, Tensor] | None) -> dict[str, Tensor]:
        """Return the values of the parameters that training changed, by their names in the files.

        Low-rank updates are merged, after which the learner is of no more use.

        Args:
            weights: What to keep, as `trained_weights` gave it; None for the starting model's, which change nothing.
        """
        if weights is None:
            return {}
        set_weights(self.network, weights)
        module: nn.Module = self.network.model if self.adapted is None else merge_low_rank(self.adapted)
        parameters = dict(module.named_parameters(remove_duplicate=False))
        return {stored: parameters[name].detach() for name, stored in self.stored.items()}


def make_learner(encoder: Encoder, settings: RealignmentSettings) -> Learner:
    """Prepare a model for training.

    Args:
        encoder: Its weights are its own, just read, in float32.
        settings: Say what is trained.

    Raises:
        ModelError: If the files hold a parameter that is to be trained in a form in which it cannot be written back.
        SettingError: If nothing is left to train.
    """
    layered, layers = encoder.layered, settings.layer_numbers(encoder.n_layers)
    stored = stored_names(encoder.source, layered.module)
    n_trained = set_trained(layered, layers, freeze=settings.freeze)
    stored = {name: stored[name] for name in _trained(layered, stored, encoder.name)}
    adapted = None
    if settings.lora_rank is not None:
        adapted = add_low_rank(layered, layers, rank=settings.lora_rank, freeze=settings.freeze, seed=settings.seed)
        n_trained = sum(value.numel() for value in layered.module.parameters() if value.requires_grad)
    return Learner(AlignedLayers(layered, layers), adapted, stored, n_trained)


def _trained(layered: LayeredModel, stored: Mapping[str, str], model: str) -> list[str]:
    """Return the names of trained parameters; of several names of one parameter those that are stored."""
    known: dict[int, bool] = {}
    values = dict(layered.module.named_parameters(remove_duplicate=False))
    for name, value in values.items():
        known[id(value)] = known.get(id(value), False) or name in stored
    lost = [name for name, value in values.items() if value.requires_grad and not known[id(value)]]
    if lost:
        raise ModelError(
            f"{model}: the weights of {lost[0]} are stored in another form than transformers has them in memory, and "
            "could not be written back; save the model with save_pretrained, and realign that"
        )
    return [name for name, value in values.items() if value.requires_grad and name in stored]
