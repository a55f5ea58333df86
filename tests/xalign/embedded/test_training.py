import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from xalign.embedded.training.batches import BatchSampler, split_pieces
from xalign.embedded.training.data import clean_groups, forbidden_keys, load_training_data, sentence_key, split_groups
from xalign.embedded.training.evaluate import retrieval_scores
from xalign.embedded.training.losses import contrastive_loss, teacher_loss
from xalign.embedded.training.network import Student, masked_mean, save_encoder
from xalign.embedded.training.recipe import Recipe
from xalign.embedded.training.row_alignment import align_equal_keys, align_lengths
from xalign.embedded.training.sources import Group, read_flores, read_tatoeba, split_group, split_sentences
from xalign.embedded.training.tokenizer import PAD, SPECIAL_TOKENS, piece_splits, save_tokenizer, train_tokenizer
from xalign.embedded.training.train import Trainer, stages
from xalign.errors import CorpusError

NOUNS = ("cat", "dog", "house", "tree", "river", "stone", "bread", "cloud", "horse", "lamp")
VERBS = ("sees", "likes", "moves", "paints", "finds", "breaks")
TINY = replace(
    Recipe(), vocabulary=56, width=16, layers=2, heads=2, feed_forward=32, static_steps=6, steps=6, static_groups=12,
    groups_per_step=8,
)  # fmt: skip


def centred(vectors):
    return vectors - vectors.mean(dim=-1, keepdim=True)


def first_layer(student, ids):
    mask = ids != PAD
    states = student.encoder(ids, attention_mask=mask.long(), output_hidden_states=True).hidden_states
    return masked_mean(states[1], mask)


def reversed_words(text):
    return " ".join(word[::-1] for word in text.split())


@pytest.fixture(scope="module")
def groups():
    sentences = [f"the {a} {v} the {b}" for a in NOUNS for v in VERBS for b in NOUNS[::3]]
    return [
        Group("flores" if row % 2 else "tatoeba", {"eng_Latn": text, "deu_Latn": reversed_words(text)}, row)
        for row, text in enumerate(sentences)
    ]


@pytest.fixture(scope="module")
def tokenizer(groups):
    return train_tokenizer([text for group in groups for text in group.texts.values()], vocabulary=TINY.vocabulary)


@pytest.fixture(scope="module")
def sampler(groups, tokenizer):
    return BatchSampler(groups, tokenizer, TINY)


@pytest.fixture
def trainer(sampler):
    def build(stage_number=1):
        torch.manual_seed(0)
        vectors = torch.from_numpy(np.random.default_rng(0).normal(size=(len(sampler.english), 8))).float()
        return Trainer(Student(TINY, 8), sampler, vectors, stages(TINY)[stage_number], TINY)

    return build


# What is learned from


def test_sentences_of_the_evaluation_sets_are_dropped_whatever_their_case_and_punctuation():
    forbidden = {sentence_key("It rained all day, in Kyiv!")}
    groups = [
        Group(
            "tatoeba", {"eng_Latn": "it rained  all day in KYIV", "deu_Latn": "Es regnete", "fra_Latn": "Il pleuvait"}
        ),
        Group("tatoeba", {"eng_Latn": "It rained all day in Lviv", "deu_Latn": "Es regnete auch dort"}),
    ]
    data = clean_groups(groups, forbidden)
    assert [sorted(group.texts) for group in data.groups] == [["deu_Latn", "fra_Latn"], ["deu_Latn", "eng_Latn"]]
    assert data.n_excluded == {"tatoeba": 1}
    assert data.n_sentences == {"tatoeba": 4}


def test_a_group_left_with_one_language_is_not_kept():
    data = clean_groups([Group("nusax", {"eng_Latn": "Only this one", "ind_Latn": ""})], set())
    assert data.groups == []


def test_both_flores_evaluation_splits_and_the_embedded_corpus_are_forbidden(tmp_path):
    (tmp_path / "flores200").mkdir()
    rows = ["index_id\tsplit\tcategory\ttext", "0\ttrain\ta\tLearn me.", "1\tdev\ta\tTune me.", "2\ttest\ta\tTest me."]
    (tmp_path / "flores200" / "zul_Latn.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "eng_Latn.tsv").write_text("index_id\ttext\n0\tProbe me.\n", encoding="utf-8")
    keys = forbidden_keys(tmp_path, tmp_path / "corpus")
    assert {sentence_key(text) for text in ("Tune me", "Test me", "Probe me")} <= keys
    assert sentence_key("Learn me.") not in keys
    assert [group.texts for group in read_flores(tmp_path / "flores200")] == [{"zul_Latn": "Learn me."}]


def test_a_missing_source_is_named(tmp_path):
    (tmp_path / "flores200").mkdir()
    with pytest.raises(CorpusError, match="lacks tatoeba, xquad, nusax, instructions"):
        load_training_data(tmp_path, tmp_path)


def test_translations_of_one_english_sentence_meet_in_one_group(tmp_path):
    for code, foreign in (("deu", ["Hallo", "Moin", "Ja"]), ("cmn", ["你好", "是", "好"])):
        english = ["Hello", "Hello", "Yes"] if code == "deu" else ["Hello", "Yes", "Good"]
        (tmp_path / f"tatoeba.{code}-eng.eng").write_text("\n".join(english) + "\n", encoding="utf-8")
        (tmp_path / f"tatoeba.{code}-eng.{code}").write_text("\n".join(foreign) + "\n", encoding="utf-8")
    found = [group.texts for group in read_tatoeba(tmp_path, {"deu_Latn"})]
    assert {"eng_Latn": "Hello", "zho_Hans": "你好", "deu_Latn": "Hallo"} in found
    assert {"eng_Latn": "Hello", "deu_Latn": "Moin"} in found
    assert {"eng_Latn": "Yes", "zho_Hans": "是", "deu_Latn": "Ja"} in found


def test_sentences_are_cut_in_every_script():
    assert split_sentences("He came. She left!\nDone") == ["He came.", "She left!", "Done"]
    assert split_sentences("他来了。她走了！") == ["他来了。", "她走了！"]
    assert split_sentences("वह आया। वह गई।") == ["वह आया।", "वह गई।"]
    assert split_sentences("It costs 3.5 euros.") == ["It costs 3.5 euros."]


def test_a_language_with_another_number_of_sentences_leaves_a_split_group():
    group = Group("paragraphs", {"eng_Latn": "A. B.", "deu_Latn": "C. D.", "fra_Latn": "E et F."})
    assert [piece.texts for piece in split_group(group, "eng_Latn")] == [
        {"eng_Latn": "A.", "deu_Latn": "C."},
        {"eng_Latn": "B.", "deu_Latn": "D."},
    ]


@pytest.mark.parametrize("missing", [(), (0,), (17, 40), (5, 6, 59)])
def test_rows_are_matched_around_missing_ones(missing):
    a = ["x" * length for length in (12, 50, 200, 100, 25) * 12]
    rows = [row for row in range(60) if row not in missing]
    b = [a[row] + "y" * (len(a[row]) // 4) for row in rows]
    expected = {row: k for k, row in enumerate(rows)}
    assert align_lengths(a, b) == expected
    assert align_equal_keys(list(map(str, range(60))), list(map(str, rows))) == expected


# Tokenizer and batches


def test_the_saved_tokenizer_is_loaded_by_auto_classes_and_marks_both_ends(tokenizer, tmp_path):
    save_tokenizer(tokenizer, tmp_path, longest=32)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    pieces = loaded.convert_ids_to_tokens(loaded("The CAT")["input_ids"])
    assert pieces[0] == "<s>"
    assert pieces[-1] == "</s>"
    assert "".join(pieces[1:-1]).replace("▁", " ").strip() == "the cat"
    assert loaded.decode(loaded("the cat sees")["input_ids"], skip_special_tokens=True) == "the cat sees"


def test_digits_of_other_scripts_are_read_as_western_ones(tokenizer):
    assert tokenizer.normalizer.normalize_str("١٩٩٥ ১৯৯৫ १९९५ ۱۹۹۵") == "1995 1995 1995 1995"


def test_the_same_texts_give_the_same_vocabulary(groups, tokenizer):
    again = train_tokenizer([text for group in groups for text in group.texts.values()], vocabulary=TINY.vocabulary)
    assert again.to_str() == tokenizer.to_str()


def test_cutting_pieces_never_changes_the_text():
    vocabulary = [(piece, -1.0) for piece in (*SPECIAL_TOKENS, "a", "b", "c", "ab", "bc", "abc")]
    splits = piece_splits(vocabulary)
    pieces = np.array([10, 8, 5, 9, 10], dtype=np.int32)
    for seed in range(20):
        cut = split_pieces(np.random.default_rng(seed), pieces, splits, 1.0)
        assert "".join(vocabulary[k][0] for k in cut) == "abcababcabc"
        assert len(cut) == len(pieces) + 4
        assert {tuple(pair) for pair in pairwise(cut)} & {(5, 9), (8, 7)}
    assert {tuple(pair) for pair in splits[10]} == {(5, 9), (8, 7)}
    assert (splits[5] == -1).all()


def test_a_model_without_translations_never_sees_two_languages_in_a_group(groups):
    alone = split_groups(clean_groups(groups, set()), frozenset(["deu_Latn"]))
    assert {tuple(group.texts) for group in alone.groups} == {("eng_Latn",)}
    both = split_groups(clean_groups(groups, set()))
    assert sorted(text for group in both.groups for text in group.texts.values()) == sorted(
        text for group in groups for text in group.texts.values()
    )
    assert {len(group.texts) for group in both.groups} == {1}


def test_a_group_of_one_sentence_gives_two_views_of_it(groups, tokenizer):
    alone = split_groups(clean_groups(groups, set())).groups
    sampler = BatchSampler(alone, tokenizer, replace(TINY, split=0.0))
    batch = sampler.draw(3, n_groups=20, drop=0.0)
    first, second = batch.pieces[::2], batch.pieces[1::2]
    assert batch.group.tolist() == [row // 2 for row in range(40)]
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert 0 < (batch.english >= 0).sum() < 20


def test_a_step_gives_the_same_batch_whatever_came_before(sampler):
    first = sampler.draw(5, n_groups=6, drop=0.2)
    sampler.draw(6, n_groups=6, drop=0.2)
    again = sampler.draw(5, n_groups=6, drop=0.2)
    other = sampler.draw(7, n_groups=6, drop=0.2)
    assert [pieces.tolist() for pieces in first.pieces] == [pieces.tolist() for pieces in again.pieces]
    assert [pieces.tolist() for pieces in first.pieces] != [pieces.tolist() for pieces in other.pieces]


def test_a_batch_knows_the_english_sentence_of_each_group(sampler, groups, tokenizer):
    batch = sampler.draw(0, n_groups=10, drop=0.0)
    texts = {group.texts["eng_Latn"] for group in groups}
    for position, row in enumerate(batch.english):
        members = {tokenizer.decode(batch.pieces[k][1:-1].tolist()) for k in np.flatnonzero(batch.group == position)}
        assert sampler.english[row] in members & texts


# Losses


@pytest.mark.parametrize("temperature", [0.05, 0.5])
def test_contrastive_loss_of_identical_vectors_has_a_closed_form(temperature):
    vectors = torch.ones(12, 5)
    loss = contrastive_loss(vectors, torch.arange(12) % 6, temperature=temperature)
    assert loss.item() == pytest.approx(np.log(1 + 10), rel=1e-5)


def test_contrastive_loss_of_orthogonal_groups_has_a_closed_form():
    vectors = torch.eye(4).repeat(2, 1) * torch.arange(1.0, 9.0)[:, None]
    loss = contrastive_loss(vectors, torch.arange(8) % 4, temperature=0.5)
    assert loss.item() == pytest.approx(np.log(1 + 6 * np.exp(-2)), rel=1e-5)


def test_teacher_loss_is_least_at_the_teacher_and_leaves_groups_without_english_out():
    teacher = torch.eye(3)
    group = torch.tensor([0, 1, 2])
    known = torch.tensor([0, 2])
    right = torch.stack([teacher[0], torch.full((3,), torch.pi), teacher[2]])
    loss = teacher_loss(right, group, teacher, known, temperature=0.1)
    assert loss.item() == pytest.approx(np.log(1 + np.exp(-10)), abs=1e-6)
    swapped = teacher_loss(right[[2, 1, 0]], group, teacher, known, temperature=0.1)
    assert swapped.item() == pytest.approx(1 + np.log(1 + np.exp(10)), rel=1e-6)


def test_masked_mean_ignores_padding():
    hidden = torch.tensor([[[1.0], [3.0], [100.0]]])
    assert masked_mean(hidden, torch.tensor([[1, 1, 0]])).item() == 2.0


# Training


@pytest.mark.parametrize("stage_number", [0, 1])
def test_a_resumed_run_ends_with_the_weights_of_an_uninterrupted_one(trainer, tmp_path, stage_number):
    whole = trainer(stage_number)
    whole.run(6, progress=False)
    begun = trainer(stage_number)
    begun.run(2, progress=False)
    begun.save(tmp_path / "checkpoint.pt")
    resumed = trainer(stage_number)
    resumed.restore(tmp_path / "checkpoint.pt")
    resumed.run(6, progress=False)
    assert resumed.n_sentences == whole.n_sentences
    for name, value in whole.average.items():
        torch.testing.assert_close(resumed.average[name], value, rtol=0, atol=0)


def test_the_first_stage_leaves_the_layers_alone(trainer):
    begun = trainer(0)
    before = {name: value.clone() for name, value in begun.student.state_dict().items()}
    begun.run(3, progress=False)
    changed = {name for name, value in begun.student.state_dict().items() if not torch.equal(value, before[name])}
    assert not [name for name in changed if ".encoder.layer" in name]
    assert "encoder.embeddings.word_embeddings.weight" in changed


def test_layers_begin_as_the_pooling_of_the_first_stage():
    torch.manual_seed(1)
    student = Student(TINY, 8).eval()
    torch.nn.init.normal_(student.pool_score.weight, std=0.1)
    torch.nn.init.normal_(student.pool_map.weight)
    ids = torch.randint(5, TINY.vocabulary, (6, 9))
    ids[2, 5:] = PAD
    with torch.no_grad():
        pooled = student.embed_pieces(ids)
        student.begin_layers(gain=1e4)
        similarity = torch.nn.functional.cosine_similarity(first_layer(student, ids), centred(pooled))
    torch.testing.assert_close(similarity, torch.ones(6), atol=1e-2, rtol=0)


def test_training_brings_reversed_words_to_their_translations(sampler, groups, tokenizer, tmp_path):
    recipe = replace(TINY, static_steps=200, static_drop=0.1, split=0.0, static_rate=0.02)
    torch.manual_seed(0)
    vectors = torch.from_numpy(np.random.default_rng(0).normal(size=(len(sampler.english), 8))).float()
    learning = Trainer(Student(recipe, 8), sampler, vectors, stages(recipe)[0], recipe)
    save_tokenizer(tokenizer, tmp_path, longest=32)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    texts = {language: [group.texts[language] for group in groups[:40]] for language in ("eng_Latn", "deu_Latn")}
    before = retrieval_scores(learning.student.encoder, loaded, texts).mean[0, 0]
    learning.run(200, progress=False)
    learning.student.begin_layers(gain=1.0)
    after = retrieval_scores(learning.student.encoder, loaded, texts).mean[1, 0]
    assert before < 0.3
    assert after > 0.6


def test_the_blend_lies_between_the_first_weights_and_the_running_average(trainer):
    trained = trainer(1)
    before = {name: value.clone() for name, value in trained.student.state_dict().items()}
    trained.run(4, progress=False)
    name = "encoder.encoder.layer.0.output.dense.bias"
    assert not torch.equal(trained.average[name], before[name])
    torch.testing.assert_close(trained.blended(0.0)[name], before[name])
    torch.testing.assert_close(trained.blended(1.0)[name], trained.average[name])
    torch.testing.assert_close(trained.blended(0.25)[name], 0.75 * before[name] + 0.25 * trained.average[name])


def test_the_saved_encoder_is_the_given_weights_in_half_precision_and_loads_in_single(trainer, tmp_path):
    trained = trainer(1)
    trained.run(2, progress=False)
    save_encoder(trained.student, trained.average, tmp_path)
    loaded = AutoModel.from_pretrained(tmp_path)
    assert loaded.dtype == torch.float32
    for name, value in loaded.state_dict().items():
        if name.startswith("pooler."):
            continue
        torch.testing.assert_close(value, trained.average["encoder." + name].half().float(), rtol=0, atol=0)


# The model that is shipped

EVERYDAY = {
    "eng_Latn": "The doctor reads a book.|The train is late again.|Water boils at 100 degrees.|She lives by the sea.",
    "deu_Latn": "Die Ärztin liest ein Buch.|Der Zug ist wieder zu spät.|Wasser kocht bei 100 Grad.|Sie wohnt am Meer.",
    "spa_Latn": "El médico lee un libro.|El tren llega tarde otra vez.|El agua hierve a 100 grados.|Vive junto al mar.",
}  # fmt: skip
MODEL = Path(__file__).parents[3] / "xalign" / "embedded" / "model"


def test_the_shipped_folder_is_small_and_holds_no_pickle():
    files = [path for path in MODEL.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 20_000_000
    assert not [path.name for path in files if path.suffix in {".bin", ".pt", ".pth", ".pkl"}]


def test_the_shipped_recipe_is_the_recipe_of_the_code():
    recorded = json.loads((MODEL / "training.json").read_text(encoding="utf-8"))
    recipe = Recipe()
    assert recorded["recipe"] == {name: getattr(recipe, name) for name in recorded["recipe"]}


def test_the_shipped_model_finds_everyday_translations():
    model = AutoModel.from_pretrained(MODEL).eval()
    tokenizer = AutoTokenizer.from_pretrained(MODEL)
    texts = {language: text.split("|") for language, text in EVERYDAY.items()}
    scores = retrieval_scores(model, tokenizer, texts)
    assert scores.mean[scores.best_layer].mean() >= 0.75


def test_the_card_repeats_the_recorded_scores_and_they_rise_through_the_layers():
    scores = json.loads((MODEL / "scores.json").read_text(encoding="utf-8"))
    card = (MODEL / "README.md").read_text(encoding="utf-8")
    means = [entry["mean"] for entry in scores["test"]["by_language"].values()]
    assert len(means) == 23
    assert np.mean(means) >= 0.6
    assert min(means) >= 0.4
    assert f"mean {np.mean(means):.3f}, lowest {min(means):.3f}" in card
    assert scores["layer"] == int(np.argmax(scores["dev"]["by_layer"]))
    assert scores["layer"] >= 3
    assert scores["test"]["by_layer"][0] < scores["test"]["by_layer"][scores["layer"]] - 0.1
