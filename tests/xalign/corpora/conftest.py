"""Small parallel text, and the same text written in every format."""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

Texts = Mapping[str, Sequence[str]]

SMALL = {
    "eng_Latn": ("The dog sleeps.", 'She said "no".', "It rains.", "We eat bread.", "It rains."),
    "deu_Latn": ("Der Hund schläft.", 'Sie sagte "nein".', "Es regnet.", "Wir essen Brot.", "Es gießt."),
    "swh_Latn": ("Mbwa analala.", 'Alisema "hapana".', "Mvua inanyesha.", "Tunakula mkate.", "Mvua yanyesha."),
    "zho_Hans": ("狗在睡觉。", "她说“不”。", "下雨了。", "我们吃面包。", "在下雨。"),
}


def lines(folder: Path, texts: Texts) -> Path:
    for language, sentences in texts.items():
        (folder / f"{language}.txt").write_bytes("".join(f"{each}\n" for each in sentences).encode())
    return folder


def flores_layout(folder: Path, texts: Texts) -> Path:
    for split, rows in (("dev", slice(0, 2)), ("devtest", slice(2, None))):
        (folder / split).mkdir()
        for language, sentences in texts.items():
            written = "".join(f"{each}\n" for each in sentences[rows])
            (folder / split / f"{language}.{split}").write_bytes(written.encode())
    return folder


def ntrex_layout(folder: Path, texts: Texts) -> Path:
    for language, sentences in texts.items():
        kind = "src" if language == "eng_Latn" else "ref"
        path = folder / f"newstest2019-{kind}.{language}.txt"
        path.write_bytes("".join(f"{each}\n" for each in sentences).encode())
    return folder


def write_csv(path: Path, rows: Sequence[Sequence[str]], delimiter: str) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return path


def wide(name: str, delimiter: str) -> Callable[[Path, Texts], Path]:
    def write(folder: Path, texts: Texts) -> Path:
        return write_csv(folder / name, [list(texts), *zip(*texts.values(), strict=True)], delimiter)

    return write


def rows_by_id(folder: Path, texts: Texts) -> Path:
    for language, sentences in texts.items():
        rows = [["index_id", "text"], *([str(10 * i), each] for i, each in enumerate(sentences))]
        write_csv(folder / f"{language}.tsv", rows, "\t")
    return folder


def sib_layout(folder: Path, texts: Texts) -> Path:
    for language, sentences in texts.items():
        (folder / language).mkdir()
        rows = [[str(i), "topic", each] for i, each in enumerate(sentences)]
        for split, chosen in (("train", rows[:3]), ("test", rows[3:])):
            write_csv(folder / language / f"{split}.tsv", [["index_id", "category", "text"], *chosen], "\t")
    return folder


def write_json_lines(path: Path, rows: Sequence[object]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8", newline="")
    return path


def rows_of(texts: Texts) -> list[dict[str, str]]:
    return [dict(zip(texts, row, strict=True)) for row in zip(*texts.values(), strict=True)]


def keys(folder: Path, texts: Texts) -> Path:
    return write_json_lines(folder / "all.jsonl", rows_of(texts))


def translations(folder: Path, texts: Texts) -> Path:
    return write_json_lines(
        folder / "all.jsonl", [{"id": i, "translation": row} for i, row in enumerate(rows_of(texts))]
    )


def row_per_language(folder: Path, texts: Texts) -> Path:
    rows = [
        {"id": i, "language": language, "text": each}
        for language, sentences in texts.items()
        for i, each in enumerate(sentences)
    ]
    return write_json_lines(folder / "all.jsonl", rows)


def parquet(folder: Path, texts: Texts) -> Path:
    import pyarrow
    from pyarrow import parquet

    columns = {f"sentence_{language}": list(sentences) for language, sentences in texts.items()}
    parquet.write_table(pyarrow.table({"id": range(len(rows_of(texts))), **columns}), folder / "devtest.parquet")
    return folder


def squad(folder: Path, texts: Texts) -> Path:
    for language, sentences in texts.items():
        qas = [{"id": f"q{i}", "question": each, "answers": []} for i, each in enumerate(sentences)]
        paragraphs = [{"context": f"{each['question']} {language}", "qas": [each]} for each in qas]
        content = json.dumps({"data": [{"title": "t", "paragraphs": paragraphs}]})
        (folder / f"xquad.{language}.json").write_text(content, encoding="utf-8")
    return folder


def saved_dataset(folder: Path, texts: Texts) -> Path:
    import datasets

    columns = {language: list(sentences) for language, sentences in texts.items()}
    datasets.disable_progress_bars()
    datasets.Dataset.from_dict(columns).save_to_disk(str(folder / "saved"))
    return folder / "saved"


def dataset_of_languages(folder: Path, texts: Texts) -> Path:
    import datasets

    keyed = {key: datasets.Dataset.from_dict({"text": list(sentences)}) for key, sentences in texts.items()}
    datasets.disable_progress_bars()
    datasets.DatasetDict(keyed).save_to_disk(str(folder / "saved"))
    return folder / "saved"


def flores_plus_layout(folder: Path, texts: Texts) -> Path:
    """Two splits that both number their rows from 0."""
    import datasets

    def rows(chosen: slice) -> list[dict[str, object]]:
        return [
            {"id": i, "iso_639_3": language[:3], "iso_15924": language[4:], "text": each, "topic": "t", "url": "u"}
            for language, sentences in texts.items()
            for i, each in enumerate(sentences[chosen])
        ]

    datasets.disable_progress_bars()
    keyed = {"dev": datasets.Dataset.from_list(rows(slice(0, 2)))}
    keyed["devtest"] = datasets.Dataset.from_list(rows(slice(2, None)))
    datasets.DatasetDict(keyed).save_to_disk(str(folder / "saved"))
    return folder / "saved"


LIGHT_WRITERS = {
    "lines": lines,
    "flores": flores_layout,
    "ntrex": ntrex_layout,
    "tsv": wide("all.tsv", "\t"),
    "csv": wide("all.csv", ","),
    "rows by id": rows_by_id,
    "sib": sib_layout,
    "keys": keys,
    "translations": translations,
    "row per language": row_per_language,
    "squad": squad,
}
WRITERS = {
    **LIGHT_WRITERS,
    "parquet": parquet,
    "saved dataset": saved_dataset,
    "dataset of languages": dataset_of_languages,
    "flores plus": flores_plus_layout,
}


@pytest.fixture
def small() -> Texts:
    return SMALL


@pytest.fixture(params=WRITERS)
def write(request: pytest.FixtureRequest) -> Callable[[Path, Texts], Path]:
    """Writes texts to a folder in one of the formats, and says what to load."""
    return WRITERS[request.param]


@pytest.fixture(params=LIGHT_WRITERS)
def write_light(request: pytest.FixtureRequest) -> Callable[[Path, Texts], Path]:
    """The same, for the formats that need no other library."""
    return LIGHT_WRITERS[request.param]


@pytest.fixture(params=["lines", "flores", "ntrex", "rows by id", "sib", "squad"])
def write_files(request: pytest.FixtureRequest) -> Callable[[Path, Texts], Path]:
    """The same, for the formats where every language has files of its own."""
    return LIGHT_WRITERS[request.param]


@pytest.fixture
def write_lines() -> Callable[[Path, Texts], Path]:
    return lines


@pytest.fixture
def write_rows() -> Callable[[Path, Texts], Path]:
    return rows_by_id


@pytest.fixture
def write_squad() -> Callable[[Path, Texts], Path]:
    return squad
