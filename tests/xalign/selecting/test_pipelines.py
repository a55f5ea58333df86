"""A sentence-transformers folder's pipeline hears what its encoder was loaded with, and refuses what it cannot do."""

import numpy as np
import pytest

from xalign.encoders import load_encoder
from xalign.errors import SettingError
from xalign.quality.network import build_network
from xalign.selecting.models.embedders import load_embedder, model_settings

TEXTS = ["a long text about cats and dogs and birds and fish " * 4, "short"]
PLAIN = {"layer": None, "pooling": "mean", "precision": "float32", "device": "cpu"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The embedded model with mean pooling, whose last layer is the pipeline's vector."""
    found = tmp_path_factory.mktemp("pipeline") / "model"
    build_network(load_encoder(None, device="cpu")).save_pretrained(str(found), create_model_card=False)
    return found


def pooled(encoder):
    return encoder.encode(TEXTS, layers=[encoder.n_layers], progress=False).layer(encoder.n_layers)


@pytest.mark.parametrize(("loading", "close"), [({"max_length": 8}, 1e-5), ({"dtype": "bfloat16"}, 0.1)])
def test_a_pipeline_reads_as_its_encoder_was_loaded_under_a_key_of_its_own(folder, loading, close):
    whole = load_embedder(model_settings(folder, **PLAIN))
    encoder = load_encoder(folder, device="cpu", **loading)
    found = load_embedder(model_settings(encoder, **PLAIN))
    assert found.words.endswith("sentence-transformers")
    assert found.encode(TEXTS) == pytest.approx(pooled(encoder), abs=close)
    assert np.abs(found.encode(TEXTS) - whole.encode(TEXTS)).max() > 1e-3
    assert found.key != whole.key


def test_an_encoder_loaded_plainly_gives_the_folders_own_vectors_under_the_same_key(folder):
    whole = load_embedder(model_settings(folder, **PLAIN))
    encoder = load_encoder(folder, device="cpu")
    found = load_embedder(model_settings(encoder, **PLAIN))
    assert found.key == whole.key
    assert found.encode(TEXTS) == pytest.approx(pooled(encoder), abs=1e-5)


def test_a_pooling_or_a_device_map_is_refused_unless_a_layer_is_named(folder):
    for pooling in ("cls", "last", "weighted"):
        with pytest.raises(SettingError, match=f"pooling cannot be chosen for .*got '{pooling}'; leave it out"):
            model_settings(folder, **(PLAIN | {"pooling": pooling}))
    spread = load_encoder(folder, device="cpu", device_map={"": "cpu"})
    with pytest.raises(SettingError, match="device_map cannot be used for"):
        model_settings(spread, **PLAIN)
    layered = load_embedder(model_settings(folder, **(PLAIN | {"pooling": "cls", "layer": 1})))
    encoder = load_encoder(folder, device="cpu")
    expected = encoder.encode(TEXTS, layers=[1], pooling="cls", progress=False).layer(1)
    assert layered.encode(TEXTS) == pytest.approx(expected, abs=1e-6)
