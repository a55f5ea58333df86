"""Low-rank updates: only they are trained, and what is written is an ordinary model with them merged."""

import sys

import numpy as np
import pytest
import safetensors.torch
import torch
from transformers import AutoModel

from xalign import load_encoder
from xalign.realigning.errors import RealignmentError
from xalign.realigning.learner import make_learner
from xalign.realigning.settings import RealignmentSettings
from xalign.realigning.training import train

SETTINGS = RealignmentSettings(
    loss="sentence", steps=4, batch_size=8, learning_rate=0.02, save_every=None, lora_rank=2, freeze="lower"
)


def test_the_written_folder_is_ordinary_and_only_linear_maps_of_the_upper_half_moved(model_folder, corpus, tmp_path):
    outcome = train(
        load_encoder(model_folder, device="cpu"), corpus, ["deu_Latn"], tmp_path / "out", SETTINGS, progress=False
    )
    before, after = (safetensors.torch.load_file(path / "model.safetensors") for path in (model_folder, outcome.folder))
    assert before.keys() == after.keys()
    changed = {name for name, value in before.items() if not value.equal(after[name])}
    assert changed == {
        name
        for name, value in before.items()
        if name.startswith(("encoder.layer.2.", "encoder.layer.3.")) and value.ndim == 2
    }
    for name in changed:
        assert torch.linalg.matrix_rank(after[name].double() - before[name].double(), rtol=1e-4) == 2
    assert not list(outcome.folder.glob("adapter*"))
    assert isinstance(AutoModel.from_pretrained(outcome.folder), torch.nn.Module)


def test_merged_weights_give_the_states_of_the_model_with_updates(model_folder):
    encoder = load_encoder(model_folder, device="cpu")
    learner = make_learner(encoder, SETTINGS)
    generator = torch.Generator().manual_seed(0)
    for name, value in learner.network.named_parameters():
        if "lora_B" in name:
            value.data = torch.randn(value.shape, generator=generator) * 0.3
    ids = torch.tensor([[0, 5, 9, 11, 2]])
    with torch.no_grad():
        (states,) = learner.network([ids], [torch.ones_like(ids)])
    weights = {
        name: value.detach().clone() for name, value in learner.network.named_parameters() if value.requires_grad
    }
    learned = learner.learned(weights)
    plain = load_encoder(model_folder, device="cpu").layered.module
    start = plain(input_ids=ids)[0]
    plain.load_state_dict(learned, strict=False)
    np.testing.assert_allclose(plain(input_ids=ids)[0][0].detach(), states, atol=1e-5)
    assert not np.allclose(start[0].detach(), states, atol=0.05)


def test_a_missing_peft_is_told_before_anything_is_read(monkeypatch, model_folder, corpus, tmp_path):
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(RealignmentError, match=r"lora_rank needs the peft package.*pip install"):
        train(
            load_encoder(model_folder, device="cpu"), corpus, ["deu_Latn"], tmp_path / "out", SETTINGS, progress=False
        )
    assert not list(tmp_path.iterdir())
