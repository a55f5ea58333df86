"""What is trained moves, and what is not stays as it was, to the byte, in the files."""

import pytest
import safetensors.torch
import torch

from xalign.errors import SettingError
from xalign.realigning.freezing import set_trained
from xalign.realigning.settings import RealignmentSettings
from xalign.realigning.training import train

LOWER = ("embeddings.", "encoder.layer.0.", "encoder.layer.1.")
UPPER = ("encoder.layer.2.", "encoder.layer.3.")
POOLER = ("pooler.",)


def trained_names(encoder, layers, freeze) -> set[str]:
    module = encoder.layered.module
    set_trained(encoder.layered, layers, freeze=freeze)
    return {name for name, value in module.named_parameters() if value.requires_grad}


def names_with(encoder, prefixes: tuple[str, ...]) -> set[str]:
    return {name for name, _ in encoder.layered.module.named_parameters() if name.startswith(prefixes)}


@pytest.mark.parametrize(
    ("layers", "freeze", "prefixes"),
    [
        ((4,), None, LOWER + UPPER),
        ((4,), "lower", UPPER),
        ((4,), "upper", LOWER),
        ((2,), None, LOWER),
        ((3,), "lower", UPPER[:1]),
        ((1, 2), "upper", LOWER),
        ((0,), None, LOWER[:1]),
    ],
)
def test_trained_are_the_parts_below_the_deepest_layer_outside_the_frozen_half(encoder, layers, freeze, prefixes):
    assert trained_names(encoder, layers, freeze) == names_with(encoder, prefixes)


def test_the_count_is_that_of_the_trained_numbers(encoder):
    n = set_trained(encoder.layered, (4,), freeze="lower")
    values = encoder.layered.module.named_parameters()
    assert n == sum(value.numel() for name, value in values if name.startswith(UPPER))


def test_nothing_left_to_train_is_refused(encoder):
    with pytest.raises(SettingError, match="must leave something to train below the deepest aligned layer, 2 of 4"):
        set_trained(encoder.layered, (2,), freeze="lower")


@pytest.mark.parametrize(
    ("options", "moved", "kept"),
    [
        ({"freeze": "lower"}, UPPER, LOWER + POOLER),
        ({"freeze": "upper"}, LOWER, UPPER + POOLER),
        ({"layers": "middle"}, LOWER, UPPER + POOLER),
        ({"layers": (1, 4)}, LOWER + UPPER, POOLER),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_frozen_weights_are_byte_identical_in_the_files_and_the_others_moved(
    save_model, corpus, tmp_path, options, moved, kept, dtype
):
    from xalign import load_encoder

    folder = save_model(dtype=dtype)
    settings = RealignmentSettings(
        loss="sentence", steps=3, batch_size=8, learning_rate=0.01, save_every=None, **options
    )
    train(load_encoder(folder, device="cpu"), corpus, ["deu_Latn"], tmp_path / "out", settings, progress=False)
    before, after = (safetensors.torch.load_file(path / "model.safetensors") for path in (folder, tmp_path / "out"))
    assert before.keys() == after.keys()
    for name, value in before.items():
        same = value.view(torch.uint8).equal(after[name].view(torch.uint8))
        assert after[name].dtype == dtype
        if name.startswith(kept):
            assert same, name
    changed = {name for name, value in before.items() if not value.equal(after[name])}
    for prefix in moved:
        assert any(name.startswith(prefix) for name in changed), prefix
