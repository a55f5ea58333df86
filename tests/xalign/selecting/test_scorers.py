"""Scores by models are those that transformers gives a text alone, however long it is and whatever stands beside it."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from xalign.errors import CorpusError, ModelError, UnknownNameError
from xalign.quality import PreferencePairs, QualityError, QualitySettings, train_quality
from xalign.selecting.models.embedders import load_embedder
from xalign.selecting.phases.routing import parse_category
from xalign.selecting.pools.fields import Turns
from xalign.selecting.pools.reading import Row
from xalign.selecting.scores.model_scores import find_windows
from xalign.selecting.scores.scorers import parse_scorer
from xalign.selecting.settings import ModelSettings

POSITIONS = 16
WORDS = [f"w{number}" for number in range(40)]
SMALL = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}
SPECIAL = {"vocab_size": 44, "bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2}
CAUSAL = {
    "llama": ("Llama", {**SMALL, "max_position_embeddings": POSITIONS}),
    "gpt2": ("GPT2", {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": POSITIONS}),
    "bloom": ("Bloom", {"hidden_size": 16, "n_layer": 2, "n_head": 2}),
}
CLASSIFIERS = {
    "bert": ("Bert", {**SMALL, "max_position_embeddings": POSITIONS}),
    "xlm-r": ("XLMRoberta", {**SMALL, "max_position_embeddings": POSITIONS + 2}),
    "llama": ("Llama", {**SMALL, "max_position_embeddings": POSITIONS}),
    "llama without padding": ("Llama", {**SMALL, "max_position_embeddings": POSITIONS, "pad_token_id": None}),
}
HERE = ModelSettings("letters", '{"device": "cpu"}')


def make_tokenizer(*, special=False, limit=POSITIONS):
    """Words between white space; with `special`, <s> and </s> around them."""
    pieces = ["<s>", "<pad>", "</s>", "<unk>", *WORDS]
    backend = Tokenizer(models.WordLevel({piece: number for number, piece in enumerate(pieces)}, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    if special:
        around = [("<s>", 0), ("</s>", 2)]
        backend.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=around)
    return transformers.PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>", model_max_length=limit)


def save(model, tokenizer, folder: Path) -> Path:
    """Save a model whose weights are large enough for every part to matter."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * (0.1 if parameter.dim() == 1 else 0.3))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def save_causal(tmp_path_factory):
    def make(kind, **options):
        prefix, usual = CAUSAL[kind]
        config = getattr(transformers, f"{prefix}Config")(**(SPECIAL | usual | options))
        limit = 20 if kind == "bloom" else int(1e30)
        model = transformers.AutoModelForCausalLM.from_config(config)
        return save(model, make_tokenizer(limit=limit), tmp_path_factory.mktemp(kind))

    return make


@pytest.fixture(scope="module")
def save_classifier(tmp_path_factory):
    def make(kind, labels=("bad", "fair", "good"), **options):
        prefix, usual = CLASSIFIERS[kind]
        named = {"id2label": dict(enumerate(labels)), "label2id": {label: row for row, label in enumerate(labels)}}
        config = getattr(transformers, f"{prefix}Config")(**(SPECIAL | usual | named | options))
        model = transformers.AutoModelForSequenceClassification.from_config(config)
        return save(model, make_tokenizer(special=True), tmp_path_factory.mktemp("classifier"))

    return make


def draw_texts(lengths, seed=0):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, length)) for length in lengths]


def rows_of(texts):
    return [Row(place, place + 1, {}, Turns(text), text) for place, text in enumerate(texts)]


def score(scorer, texts):
    return parse_scorer(scorer, device="cpu").score(rows_of(texts), HERE)


LENGTHS = [2, 9, 16, 3, 17, 24, 25, 16, 40, 15, 33, 2, 64]


def by_hand(folder, text, size):
    """Predict each token alone, from what the first window that has it puts before it."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    ids = transformers.AutoTokenizer.from_pretrained(folder)(text)["input_ids"]
    logs = []
    for place in range(1, len(ids)):
        start = 0
        while start + size <= place:
            start += size // 2
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([ids[start:place]])).logits[0, -1].double()
        logs.append(float(logits.log_softmax(dim=0)[ids[place]]))
    return np.exp(-np.mean(logs))


@pytest.mark.parametrize("kind", CAUSAL)
def test_perplexity_of_short_and_long_texts_is_that_of_each_token_alone(kind, save_causal):
    folder = save_causal(kind)
    texts = draw_texts(LENGTHS)
    expected = [by_hand(folder, text, 20 if kind == "bloom" else POSITIONS) for text in texts]
    found = score(f"perplexity:{folder}", texts)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert found.std() > 0.1 * found.mean()


def test_perplexity_of_a_text_that_fits_is_e_to_the_loss_of_transformers(save_causal):
    folder = save_causal("llama")
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    texts = draw_texts([2, 5, 16], seed=3)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    rows = [torch.tensor([tokenizer(text)["input_ids"]]) for text in texts]
    with torch.inference_mode():
        expected = [float(model(input_ids=ids, labels=ids).loss.exp()) for ids in rows]
    np.testing.assert_allclose(score(f"perplexity:{folder}", texts), expected, rtol=1e-5)


def test_what_stands_beside_a_text_does_not_change_its_perplexity(save_causal):
    folder = save_causal("gpt2")
    texts = draw_texts(LENGTHS * 8, seed=1)
    alone = np.concatenate([score(f"perplexity:{folder}", [text]) for text in texts[:20]])
    np.testing.assert_allclose(score(f"perplexity:{folder}", texts)[:20], alone, rtol=1e-5)


def test_the_end_of_a_long_text_counts(save_causal):
    folder = save_causal("gpt2")
    (text,) = draw_texts([60])
    other = text.rsplit(" ", 1)[0] + " w0"
    assert text != other
    one, two = score(f"perplexity:{folder}", [text, other])
    assert abs(one - two) > 1e-3 * one


@pytest.mark.parametrize(("n", "size"), [(0, 4), (1, 4), (2, 2), (7, 2), (4, 4), (5, 4), (23, 5), (100, 16)])
def test_windows_predict_every_token_but_the_first_once(n, size):
    windows = list(find_windows(n, size))
    predicted = [place for start, stop, first in windows for place in range(first, stop)]
    assert predicted == list(range(1, n))
    assert all(stop - start <= size and start < first for start, stop, first in windows)
    assert all(first - start >= size // 2 for start, _, first in windows[1:])


def test_a_minus_turns_perplexity_round_and_another_model_has_another_key(save_causal):
    folder, other = save_causal("llama"), save_causal("gpt2")
    up, down = (parse_scorer(f"{sign}perplexity:{folder}", device="cpu") for sign in ("", "-"))
    rows = rows_of(draw_texts([5, 6]))
    assert np.array_equal(up.score(rows, HERE), -down.score(rows, HERE))
    keys = {up.key, down.key, parse_scorer(f"perplexity:{other}", device="cpu").key}
    assert len(keys) == 3


def test_a_model_that_was_written_anew_in_its_folder_is_read_anew(save_causal, tmp_path):
    folder, other = save_causal("llama"), save_causal("gpt2")
    texts = draw_texts([5, 9])
    place = tmp_path / "model"
    found = []
    for source in (folder, other):
        place.mkdir(exist_ok=True)
        for path in source.iterdir():
            (place / path.name).write_bytes(path.read_bytes())
        found.append((score(f"perplexity:{place}", texts), parse_scorer(f"perplexity:{place}", device="cpu").key))
    for (scores, key), source in zip(found, (folder, other), strict=True):
        assert scores.tolist() == score(f"perplexity:{source}", texts).tolist()
        assert key == parse_scorer(f"perplexity:{source}", device="cpu").key


def softmax_by_hand(folder, text):
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    ids = transformers.AutoTokenizer.from_pretrained(folder)(text)["input_ids"]
    if len(ids) > POSITIONS:
        ids = [*ids[: POSITIONS - 1], ids[-1]]
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([ids])).logits[0].double().numpy()
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_a_class_has_its_softmax_whatever_stands_beside_a_text(kind, save_classifier):
    folder = save_classifier(kind)
    texts = draw_texts(LENGTHS)
    expected = np.array([softmax_by_hand(folder, text) for text in texts])
    assert expected.std(axis=0).min() > 0.01
    for column, label in enumerate(("bad", "fair", "good")):
        np.testing.assert_allclose(score(f"classifier:{folder}#{label}", texts), expected[:, column], atol=1e-6)
    np.testing.assert_allclose(score(f"classifier:{folder}", texts), expected[:, 2], atol=1e-6)


def logits_by_hand(folder, texts):
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    with torch.inference_mode():
        rows = [model(input_ids=torch.tensor([tokenizer(text)["input_ids"]])).logits[0] for text in texts]
    return torch.stack(rows).double().numpy()


def test_the_likeliest_label_is_that_of_the_highest_logit_of_a_text_alone(save_classifier):
    folder = save_classifier("xlm-r")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    texts = draw_texts([2, 9, 5, 12, 3, 7, 4, 11], seed=5)
    with torch.inference_mode():
        logits = [model(**tokenizer(text, return_tensors="pt")).logits[0] for text in texts]
    expected = [("bad", "fair", "good")[int(row.argmax())] for row in logits]
    assert len(set(expected)) > 1
    router = parse_category(f"@classifier:{folder}", device="cpu")
    assert router.classify(texts, HERE) == expected
    assert router.names("cpu") == ["bad", "fair", "good"]


def test_a_model_that_rates_gives_its_number_and_one_of_many_labels_its_sigmoid(save_classifier):
    texts = draw_texts([3, 9, 4, 12])
    rating = save_classifier("bert", labels=("educational",))
    expected = logits_by_hand(rating, texts)[:, 0]
    assert expected.std() > 0.01
    np.testing.assert_allclose(score(f"classifier:{rating}", texts), expected, atol=1e-6)
    many = save_classifier("bert", labels=("a", "b"), problem_type="multi_label_classification")
    expected = 1 / (1 + np.exp(-logits_by_hand(many, texts)[:, 0]))
    np.testing.assert_allclose(score(f"classifier:{many}#a", texts), expected, atol=1e-6)


def test_texts_that_a_classifier_cuts_are_counted(save_classifier):
    scorer = parse_scorer(f"classifier:{save_classifier('xlm-r')}", device="cpu")
    assert scorer.count_cut(rows_of(draw_texts([13, 14, 15, 40])), HERE) == 2  # with <s> and </s>, 14 words fit


def test_a_trained_models_quality_is_minus_the_distance(tmp_path):
    folder = train(tmp_path / "model")
    texts = draw_texts([3, 8, 4, 14, 5, 6])
    pairs = [Turns(*texts[:2]), Turns(*texts[2:4]), Turns(texts[4]), Turns("", texts[5])]
    rows = [Row(place, place + 1, {}, turns, "x") for place, turns in enumerate(pairs)]
    scorer = parse_scorer(f"quality:{folder}", device="cpu")
    found = scorer.score(rows, HERE)
    model, tokenizer = transformers.AutoModel.from_pretrained(folder).eval(), make_tokenizer(special=True)
    with torch.inference_mode():
        states = [
            model(input_ids=torch.tensor([tokenizer(text)["input_ids"]])).last_hidden_state[0].double().mean(dim=0)
            for text in texts
        ]
    expected = [-float((states[place] - states[place + 1]).norm()) for place in (0, 2)]
    np.testing.assert_allclose(found[:2], expected, atol=1e-5)
    assert abs(expected[0] - expected[1]) > 1e-3
    assert np.isnan(found[2:]).all()
    assert "got no response" in scorer.why_none(rows[2])
    assert "got no instruction" in scorer.why_none(rows[3])
    assert scorer.count_cut(rows, HERE) == 0
    long = Row(4, 5, {}, Turns(texts[0], " ".join(texts)), "x")
    assert scorer.count_cut([*rows, long], HERE) == 1


def test_a_quality_model_that_pools_in_another_way_has_another_key(tmp_path):
    folder = train(tmp_path / "model")
    texts = draw_texts([3, 8])
    rows = [Row(0, 1, {}, Turns(*texts), "x")]
    before = parse_scorer(f"quality:{folder}", device="cpu")
    first = before.score(rows, HERE)
    (pooling,) = folder.rglob("*ooling/config.json")
    words = json.loads(pooling.read_text(encoding="utf-8"))
    assert words["pooling_mode"] == "mean"
    pooling.write_text(json.dumps(words | {"pooling_mode": "cls"}), encoding="utf-8")
    after = parse_scorer(f"quality:{folder}", device="cpu")
    assert np.abs(after.score(rows, HERE) - first).max() > 1e-3
    assert after.key != before.key


def save_encoder(folder: Path) -> Path:
    config = transformers.XLMRobertaConfig(**(SPECIAL | CLASSIFIERS["xlm-r"][1]))
    return save(transformers.XLMRobertaModel(config), make_tokenizer(special=True), folder)


def train(folder: Path) -> Path:
    """Two steps on four pairs; the model's own folder is what `xalign train-quality` writes."""
    texts = draw_texts([6] * 12, seed=5)
    pairs = PreferencePairs(*(tuple(texts[start::3]) for start in range(3)), ("eng_Latn",) * 4, tuple(range(4)))
    settings = QualitySettings(steps=2, batch_size=2, learning_rate=0.01)
    start = save_encoder(folder.with_name("start"))
    return train_quality(pairs, start, out=folder, settings=settings, device="cpu", progress=False).folder


def refused(scorer, error, match):
    with pytest.raises(error, match=match) as told:
        parse_scorer(scorer, device="cpu")
    assert "\n" not in str(told.value)


def test_models_that_cannot_score_are_refused_before_any_work(save_causal, save_classifier, tmp_path):
    two_sided = save_classifier("bert")
    refused(f"perplexity:{two_sided}", ModelError, r"perplexity is for decoders, .* BertForSequenceClassification is n")
    refused(f"perplexity:{tmp_path / 'no'}", ModelError, r"quality 'perplexity:.*no': must be a folder or a hub name")
    refused(f"classifier:{two_sided}#best", UnknownNameError, r"has no label 'best'.*it has bad, fair, good")
    refused(f"quality:{two_sided}", QualityError, r"holds no quality model that is whole: it lacks training_run\.json")
    headless = save_encoder(tmp_path / "headless")
    with pytest.raises(
        ModelError, match=r"the weights hold no head that classifies \(classifier\..*which would be ran"
    ):
        score(f"classifier:{headless}", ["w1"])
    bare = save_causal("gpt2")
    transformers.GPT2Model(transformers.GPT2Config(**(SPECIAL | CAUSAL["gpt2"][1]))).save_pretrained(bare)
    assert np.isfinite(score(f"perplexity:{bare}", ["w1 w2"])).all()  # its head is tied to its embeddings


def test_the_words_of_a_scorer_that_takes_no_model_are_no_path(tmp_path, monkeypatch):
    (tmp_path / "score").mkdir()
    monkeypatch.chdir(tmp_path)
    assert parse_scorer("column:score").argument == "score"


@pytest.mark.usefixtures("quick_model")
def test_rows_without_a_score_are_told_why_and_cut_ones_are_counted(
    save_causal, save_classifier, rows, write_jsonl, select, tmp_path
):
    texts = [{"text": text, "other": "w1"} for text in draw_texts([5, 6, 40, 8, 9, 30])]
    one_token = write_jsonl(tmp_path / "a.jsonl", [*texts, {"text": "w7"}])
    with pytest.raises(CorpusError, match=r"line 7: a text of two tokens or more was expected"):
        select(one_token, method="random", budget=2, quality=f"perplexity:{save_causal('llama')}")
    with pytest.raises(CorpusError, match=r"line 7: a translation was expected in 'other', got None"):
        select(one_token, method="random", budget=2, quality="translation:other")
    zero = write_jsonl(tmp_path / "b.jsonl", [*texts, {"text": "w7", "other": "zero"}])
    with pytest.raises(CorpusError, match=r"line 7: the vector of its text or of its translation in 'other' is zero"):
        select(zero, method="random", budget=2, quality="translation:other")
    folder = save_classifier("bert")
    found = select(one_token, method="mdaq", budget=3, quality=f"classifier:{folder}#good")
    assert (
        f"2 rows are longer than the model behind classifier:{folder}#good reads: their beginnings are scored"
        in found.warnings
    )
    expected = [softmax_by_hand(folder, row["text"])[2] for row in [*texts, {"text": "w7"}]]
    told = dict(zip(found.indices, found.rows["quality"], strict=True))
    assert told == pytest.approx({row: expected[row] for row in told}, abs=1e-6)


def test_a_model_of_vectors_that_was_written_anew_gives_its_own_vectors_under_another_key(tmp_path):
    folder = save_encoder(tmp_path / "model")
    settings = ModelSettings(str(folder), '{"device": "cpu"}')
    before = load_embedder(settings)
    first = before.encode(["w1 w2"])
    assert load_embedder(settings) is before
    weights = folder / "model.safetensors"
    save_other = transformers.XLMRobertaModel(transformers.XLMRobertaConfig(**(SPECIAL | CLASSIFIERS["xlm-r"][1])))
    save_other.save_pretrained(tmp_path / "other")
    weights.write_bytes((tmp_path / "other" / weights.name).read_bytes())
    after = load_embedder(settings)
    assert after.key != before.key
    assert np.abs(after.encode(["w1 w2"]) - first).max() > 1e-3
