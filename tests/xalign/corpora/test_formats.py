import csv
import json
import random
import tempfile
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xalign.corpora import BitextCorpus, ParallelCorpus, load_corpus
from xalign.corpora.delimited import read_rows
from xalign.corpora.lines import read_lines
from xalign.errors import CorpusError

LINE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\ufeff"))
CELL = st.text(st.sampled_from('ab"\t,\n é\u2028\x0b'), max_size=8)


def test_every_format_gives_back_what_was_written(write, tmp_path, small):
    corpus = load_corpus(write(tmp_path, small), progress=False)
    assert isinstance(corpus, ParallelCorpus)
    assert corpus.sentences == small


def test_every_format_reads_any_spelling_of_languages(write, tmp_path, small):
    corpus = load_corpus(write(tmp_path, small), languages=["Swahili", "zh", "en"], limit=4, progress=False)
    assert corpus.languages == ("swh_Latn", "zho_Hans", "eng_Latn")
    assert corpus.sentences == {language: small[language][:4] for language in corpus.languages}


def test_bom_and_crlf_change_nothing(write_light, tmp_path, small):
    place = write_light(tmp_path, small)
    before = load_corpus(place, progress=False)
    for path in tmp_path.rglob("*.*"):
        if path.is_file():
            path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert load_corpus(place, progress=False) == before


@given(st.lists(LINE, min_size=1))
def test_only_newlines_end_a_line(lines):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "lines.txt")
        path.write_bytes("".join(f"{line}\n" for line in lines).encode())
        assert read_lines(path) == lines
        path.write_bytes("\r\n".join([*lines, ""]).encode())
        assert read_lines(path) == lines


def test_other_separators_stay_in_their_sentence(write_lines, tmp_path):
    strange = ["a\u2028b", "a\x85b", "a\x0bb\x0c", "a\rb", "a\x1cb"]
    texts = {"eng_Latn": strange, "deu_Latn": strange}
    assert load_corpus(write_lines(tmp_path, texts), progress=False).sentences["eng_Latn"] == tuple(strange)


@settings(max_examples=200)
@given(st.lists(st.tuples(CELL, CELL), min_size=1), st.sampled_from([(".csv", ","), (".tsv", "\t")]))
def test_what_a_csv_writer_wrote_is_read_back(rows, kind):
    ending, delimiter = kind
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"table{ending}")
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter=delimiter, lineterminator="\n").writerows([("id", "text"), *rows])
        assert [tuple(cells) for _, cells in read_rows(path)][1:] == rows


@pytest.mark.parametrize("text", ['"Yes," he said', 'he said "yes"', '"Yes."', '"', 'say "a" and "b'])
def test_quotes_in_a_tsv_that_no_csv_writer_wrote_are_characters(text, tmp_path):
    path = tmp_path / "table.tsv"
    path.write_text(f"index_id\ttext\n1\t{text}\n", encoding="utf-8")
    assert read_rows(path)[1] == (2, ["1", text])


def test_a_line_number_counts_lines_within_quotes(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text('a,b\n"x\ny",1\nz,2\n', encoding="utf-8")
    assert [line for line, _ in read_rows(path)] == [1, 2, 4]


def test_rows_are_matched_by_id_whatever_their_order(write_rows, tmp_path, small):
    before = load_corpus(write_rows(tmp_path, small), progress=False)
    for seed, path in enumerate(sorted(tmp_path.iterdir())):
        header, *rows = path.read_text(encoding="utf-8").splitlines()
        random.Random(seed).shuffle(rows)
        path.write_text("\n".join([header, *rows]), encoding="utf-8")
    after = load_corpus(tmp_path, progress=False)
    assert after == before
    assert after.fingerprint == before.fingerprint
    assert after.ids == ("0", "10", "20", "30", "40")


def test_questions_are_matched_by_id_whatever_their_order(write_squad, tmp_path, small):
    before = load_corpus(write_squad(tmp_path, small), progress=False)
    path = tmp_path / "xquad.swh_Latn.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["data"][0]["paragraphs"].reverse()
    path.write_text(json.dumps(content), encoding="utf-8")
    assert load_corpus(tmp_path, progress=False) == before


def test_paragraphs_are_read_on_request(write_squad, tmp_path, small):
    paragraphs = load_corpus(f"{write_squad(tmp_path, small)}#paragraphs", progress=False)
    assert paragraphs.sentences["deu_Latn"][0] == "Der Hund schläft. deu_Latn"


def test_splits_and_topics_are_kept_and_chosen(tmp_path, small):
    splits, topics = ("test", "train", "train", "train", "train"), ("a", "b", "b", "c", "a")
    for language, texts in small.items():
        rows = zip(range(5), splits, topics, (text.replace('"', "'") for text in texts), strict=True)
        lines = ["index_id\tsplit\tcategory\ttext", *("\t".join(map(str, row)) for row in rows)]
        (tmp_path / f"{language}.tsv").write_text("\n".join(lines), encoding="utf-8")
    corpus = load_corpus(tmp_path, progress=False)
    assert (corpus.splits, corpus.labels) == (splits, topics)
    train = load_corpus(tmp_path, split="train", progress=False)
    assert (train.n, train.labels, train.ids) == (4, topics[1:], ("1", "2", "3", "4"))


def test_tables_of_splits_that_number_rows_anew_get_their_split_in_the_id(tmp_path):
    for split in ("test", "train"):
        rows = "".join(f'{i},"{split} {i}, yes",{split} {i} ja\n' for i in range(3))
        (tmp_path / f"{split}.csv").write_text(f",english,german\n{rows}", encoding="utf-8")
    corpus = load_corpus(tmp_path, progress=False)
    assert corpus.ids == ("train:0", "train:1", "train:2", "test:0", "test:1", "test:2")
    assert corpus.sentences["eng_Latn"][3] == "test 0, yes"
    assert corpus.resolution == {"english": "eng_Latn", "german": "deu_Latn"}


def moses(folder, source, target, n, prefix="corpus"):
    for language in (source, target):
        text = "".join(f"{language} {i}\n" for i in range(n))
        (folder / f"{prefix}.{source}-{target}.{language}").write_text(text, encoding="utf-8")


def test_moses_pairs_are_bitexts_with_the_pivot_on_either_side(tmp_path):
    moses(tmp_path, "deu", "eng", 5)
    moses(tmp_path, "en", "sw", 7)
    corpus = load_corpus(tmp_path, progress=False)
    assert isinstance(corpus, BitextCorpus)
    assert {language: bitext.n for language, bitext in corpus.bitexts.items()} == {"deu_Latn": 5, "swh_Latn": 7}
    assert corpus.bitexts["swh_Latn"].sentences["eng_Latn"][0] == "en 0"
    assert corpus.resolution == {"deu": "deu_Latn", "eng": "eng_Latn", "en": "eng_Latn", "sw": "swh_Latn"}
    assert load_corpus(tmp_path, languages=["German", "English"], progress=False).languages == ("eng_Latn", "deu_Latn")
    with pytest.raises(CorpusError, match="name another language too"):
        load_corpus(tmp_path, languages=["English"], progress=False)
    assert load_corpus(tmp_path, limit=4, progress=False).n == 8


@pytest.mark.parametrize("name", ["corpus.deu-eng", "corpus.deu-eng.deu", "corpus.deu-eng.eng"])
def test_one_pair_is_named_by_its_beginning_or_by_a_side(name, tmp_path):
    moses(tmp_path, "deu", "eng", 5)
    moses(tmp_path, "fra", "eng", 5)
    assert load_corpus(tmp_path / name, progress=False).languages == ("eng_Latn", "deu_Latn")


def test_pairs_of_other_languages_have_another_pivot(tmp_path):
    moses(tmp_path, "deu", "fra", 5)
    with pytest.raises(CorpusError, match=r"pivot must be a language of .* got 'eng_Latn'; it has deu_Latn, fra_Latn"):
        load_corpus(tmp_path, progress=False)
    assert load_corpus(tmp_path, pivot="French", progress=False).languages == ("fra_Latn", "deu_Latn")
    moses(tmp_path, "spa", "fra", 5)
    assert load_corpus(tmp_path, pivot=None, progress=False).pivot == "fra_Latn"


def test_a_single_pair_without_a_pivot_has_english_or_its_second_language(tmp_path):
    moses(tmp_path, "deu", "fra", 5, prefix="one")
    moses(tmp_path, "eng", "deu", 5, prefix="two")
    assert load_corpus(tmp_path / "one.deu-fra", pivot=None, progress=False).languages == ("fra_Latn", "deu_Latn")
    assert load_corpus(tmp_path / "two.eng-deu", pivot=None, progress=False).languages == ("eng_Latn", "deu_Latn")


@pytest.mark.parametrize("pivot", [None, "deu_Latn"])
def test_the_common_language_of_pairs_is_their_pivot(tmp_path, pivot):
    moses(tmp_path, "deu", "swh", 5)
    moses(tmp_path, "deu", "fra", 6)
    corpus = load_corpus(tmp_path, pivot=pivot, progress=False)
    assert {language: bitext.n for language, bitext in corpus.bitexts.items()} == {"fra_Latn": 6, "swh_Latn": 5}
    assert corpus.pivot == "deu_Latn"
    assert load_corpus(tmp_path, languages=["sw"], pivot=pivot, progress=False) == corpus.select(["sw"])


def test_no_common_language_is_an_error_that_names_the_candidates(tmp_path):
    for source, target in (("deu", "eng"), ("fra", "eng"), ("fra", "deu")):
        moses(tmp_path, source, target, 5)
    with pytest.raises(CorpusError, match=r"pivot must be named .*name one of deu_Latn, eng_Latn, fra_Latn"):
        load_corpus(tmp_path, pivot=None, progress=False)
    assert load_corpus(tmp_path, languages=["fra", "deu"], pivot=None, progress=False).languages[0] == "deu_Latn"
    moses(tmp_path, "deu", "eng", 5, prefix="other")
    with pytest.raises(CorpusError, match=r"2 languages in common, got None; name one of deu_Latn, eng_Latn, and"):
        load_corpus(tmp_path, languages=["de", "en"], pivot=None, progress=False)


def test_only_the_pairs_that_are_asked_for_are_read(tmp_path):
    for source, target in (("deu", "eng"), ("eng", "swh"), ("fra", "deu")):
        moses(tmp_path, source, target, 5)
    (tmp_path / "corpus.eng-swh.swh").write_text("blank\n\n", encoding="utf-8")
    for pivot in ("eng_Latn", None):
        corpus = load_corpus(tmp_path, languages=["eng", "deu"], pivot=pivot, progress=False)
        assert corpus.languages == ("eng_Latn", "deu_Latn")


def test_only_the_files_that_are_asked_for_are_read(write_files, tmp_path, small):
    place = write_files(tmp_path, small)
    before = load_corpus(place, languages=["deu", "eng"], progress=False)
    unrelated = [path for path in place.rglob("*") if path.is_file() and "swh" in str(path.relative_to(place))]
    for path in unrelated:
        path.write_bytes(b"\n\xff\n\n")
    assert unrelated
    assert load_corpus(place, languages=["deu", "eng"], progress=False) == before
    with pytest.raises(CorpusError, match="swh"):
        load_corpus(place, progress=False)


def test_a_corpus_remembers_what_was_asked_of_it_as_json_can_hold_it(write_lines, tmp_path, small):
    place = write_lines(tmp_path, small)
    corpus = load_corpus(place, languages=("de", "sw"), limit=4, normalise="NFC", progress=False)
    asked = {"languages": ["de", "sw"], "limit": 4, "split": None, "normalise": "NFC", "pivot": "eng_Latn"}
    assert json.loads(json.dumps(corpus.load_arguments)) == asked
    assert load_corpus(place, languages="de", progress=False).load_arguments["languages"] == ["de"]
    (tmp_path / "pairs").mkdir()
    moses(tmp_path / "pairs", "deu", "fra", 5)
    assert load_corpus(tmp_path / "pairs", pivot=None, progress=False).load_arguments["pivot"] is None


def test_columns_of_pairs_are_bitexts(tmp_path):
    rows = [
        {"sentence1": f"{lang} {i}", "sentence2": f"en {i}", "lang": f"{lang}-eng"}
        for lang in ("deu", "swh")
        for i in range(4)
    ]
    path = tmp_path / "test.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    corpus = load_corpus(path, progress=False)
    assert [pair.source_sentences[3] for pair in corpus.pairs()] == ["deu 3", "swh 3"]


def test_id_is_indonesian_where_it_holds_sentences(tmp_path):
    rows = [{"en": f"sentence {i}", "id": f"kalimat nomor {i}"} for i in range(4)]
    path = tmp_path / "all.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    assert load_corpus(path, progress=False).languages == ("eng_Latn", "ind_Latn")


def test_class_labels_of_a_dataset_are_names(tmp_path):
    import datasets

    features = datasets.Features({"eng": datasets.Value("string"), "label": datasets.ClassLabel(names=["bad", "good"])})
    data = datasets.Dataset.from_dict({"eng": list("abcd"), "label": [0, 1, 1, 0]}, features=features)
    datasets.disable_progress_bars()
    datasets.DatasetDict({"test": data}).save_to_disk(str(tmp_path / "saved"))
    corpus = load_corpus(tmp_path / "saved", progress=False)
    assert corpus.labels == ("bad", "good", "good", "bad")
    assert corpus.splits == ("test",) * 4


def test_a_hub_dataset_with_a_configuration_per_language_is_one_corpus(monkeypatch, small):
    import datasets

    asked = []

    def load(name, config=None, **others):
        asked.append((name, config, others))
        return datasets.DatasetDict({"test": datasets.Dataset.from_dict({"text": list(small[config])})})

    monkeypatch.setattr(datasets, "get_dataset_config_names", lambda name: list(small))
    monkeypatch.setattr(datasets, "load_dataset", load)
    corpus = load_corpus("owner/dataset", languages=["en", "de"], progress=False)
    assert corpus.sentences == {"eng_Latn": small["eng_Latn"], "deu_Latn": small["deu_Latn"]}
    assert asked == [("owner/dataset", "eng_Latn", {}), ("owner/dataset", "deu_Latn", {})]


def test_texts_are_normalised_only_on_request(write_lines, tmp_path, caplog):
    decomposed = tuple(unicodedata.normalize("NFD", text) for text in ("é", "ü", "a", "ñandú"))
    place = write_lines(tmp_path, {"spa_Latn": decomposed, "eng_Latn": "abcd"})
    assert load_corpus(place, progress=False).sentences["spa_Latn"] == decomposed
    assert "3 sentences are not NFC" in caplog.text
    composed = load_corpus(place, normalise="NFC", progress=False)
    assert composed.sentences["spa_Latn"] == ("é", "ü", "a", "ñandú")
    assert not composed.notes()


@pytest.mark.parametrize("name", [None, "xalign-100"])
def test_the_embedded_corpus_is_the_default(name):
    corpus = load_corpus(name, languages=["eng_Latn"], progress=False)
    assert (corpus.name, corpus.n) == ("xalign-100", 100)
    assert len(set(corpus.labels)) >= 10
