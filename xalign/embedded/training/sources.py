"""Readers of the training folders: each yields groups of sentences that translate each other."""

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from xalign.embedded.training.row_alignment import align_equal_keys, align_lengths

ENGLISH = "eng_Latn"
SOURCES = ("flores", "tatoeba", "questions", "paragraphs", "nusax", "instructions")


def _table(pairs: str) -> dict[str, str]:
    """Read `key=value key=value` as a dictionary."""
    return dict(pair.split("=") for pair in pairs.split())


EMBEDDED_LANGUAGES = (
    *("eng_Latn", "deu_Latn", "fra_Latn", "spa_Latn", "rus_Cyrl", "ell_Grek", "tur_Latn", "fin_Latn", "hun_Latn"),
    *("arb_Arab", "heb_Hebr", "hin_Deva", "ben_Beng", "tam_Taml", "zho_Hans", "jpn_Jpan", "kor_Hang", "vie_Latn"),
    *("tha_Thai", "ind_Latn", "swh_Latn", "yor_Latn", "eus_Latn", "kat_Geor"),
)
TATOEBA_EXCEPTIONS = {"cmn": "zho_Hans", "ara": "arb_Arab", "nor": "nob_Latn", "est": "est_Latn", "sqi": "als_Latn"}
XQUAD_LANGUAGES = _table(
    "ar=arb_Arab de=deu_Latn el=ell_Grek en=eng_Latn es=spa_Latn hi=hin_Deva ro=ron_Latn ru=rus_Cyrl "
    "th=tha_Thai tr=tur_Latn vi=vie_Latn zh=zho_Hans"
)
NUSAX_LANGUAGES = _table(
    "indonesian=ind_Latn acehnese=ace_Latn banjarese=bjn_Latn english=eng_Latn madurese=mad_Latn "
    "ngaju=nij_Latn sundanese=sun_Latn balinese=ban_Latn buginese=bug_Latn javanese=jav_Latn minangkabau=min_Latn "
    "toba_batak=bbc_Latn"
)
INSTRUCTION_LANGUAGES = _table(
    "Arabic=arb_Arab Czech=ces_Latn French=fra_Latn German=deu_Latn Greek=ell_Grek Indonesian=ind_Latn "
    "Italian=ita_Latn Japanese=jpn_Jpan Korean=kor_Hang Malay=zsm_Latn Portuguese=por_Latn Russian=rus_Cyrl "
    "Spanish=spa_Latn Thai=tha_Thai Turkish=tur_Latn Vietnamese=vie_Latn"
)
SENTENCE_END = re.compile(r"(?<=[.!?।؟])\s+|(?<=[。！？])\s*|\n+")


@dataclass(frozen=True)
class Group:
    """Sentences that translate each other.

    Attributes:
        source: One of `SOURCES`.
        texts: Language -> sentence.
        row: FLORES `index_id`, or -1 elsewhere.
    """

    source: str
    texts: dict[str, str] = field(hash=False)
    row: int = -1


def split_sentences(text: str) -> list[str]:
    """Cut at sentence-final punctuation and line ends, in any of the scripts of the training data."""
    return [piece.strip() for piece in SENTENCE_END.split(text) if piece and piece.strip()]


def read_flores(folder: Path, splits: tuple[str, ...] = ("train",)) -> Iterator[Group]:
    """Read the sentences of some splits of FLORES-200, one group per `index_id`.

    Args:
        folder: Holds `<language>.tsv` with columns index_id, split, category, text.
        splits: Which of train, dev and test to read.
    """
    groups: dict[int, dict[str, str]] = {}
    for path in sorted(folder.glob("*.tsv")):
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE):
                if row["split"] in splits:
                    groups.setdefault(int(row["index_id"]), {})[path.stem] = row["text"]
    for index, texts in sorted(groups.items()):
        yield Group("flores", texts, index)


def read_tatoeba(folder: Path, known: set[str]) -> Iterator[Group]:
    """Read the Tatoeba bitexts, with all translations of one English sentence in one group.

    Args:
        folder: Holds `tatoeba.<xxx>-eng.<xxx>` and `tatoeba.<xxx>-eng.eng`.
        known: Languages with script, `swh_Latn`, that three-letter codes may resolve to.
    """
    groups: dict[tuple[str, int], dict[str, str]] = {}
    for path in sorted(folder.glob("tatoeba.*-eng.eng")):
        code = path.name.split(".")[1].removesuffix("-eng")
        language = TATOEBA_EXCEPTIONS.get(code) or next((k for k in sorted(known) if k.startswith(code + "_")), code)
        english = path.read_text(encoding="utf-8").splitlines()
        foreign = path.with_suffix("." + code).read_text(encoding="utf-8").splitlines()
        for source, target in zip(english, foreign, strict=True):
            copy = 0
            while language in groups.setdefault((source, copy), {ENGLISH: source}):
                copy += 1
            groups[source, copy][language] = target
    for texts in groups.values():
        yield Group("tatoeba", texts)


def _xquad_articles(folder: Path) -> dict[str, list[dict]]:
    articles = {}
    for code, language in XQUAD_LANGUAGES.items():
        content = json.loads((folder / f"xquad.{code}.json").read_text(encoding="utf-8"))
        articles[language] = [paragraph for article in content["data"] for paragraph in article["paragraphs"]]
    return articles


def read_xquad(folder: Path) -> Iterator[Group]:
    """Read XQuAD's questions and those sentences of its paragraphs whose number agrees with the English."""
    articles = _xquad_articles(folder)
    questions: dict[str, dict[str, str]] = {}
    for language, paragraphs in articles.items():
        for paragraph in paragraphs:
            for question in paragraph["qas"]:
                questions.setdefault(question["id"], {})[language] = question["question"]
    for texts in questions.values():
        yield Group("questions", texts)
    for row in range(len(articles[ENGLISH])):
        texts = {language: articles[language][row]["context"] for language in articles}
        yield from split_group(Group("paragraphs", texts), ENGLISH)


def split_group(group: Group, pivot: str) -> Iterator[Group]:
    """Split the texts of a group into sentences, keeping the languages that have as many as the pivot."""
    pieces = {language: split_sentences(text) for language, text in group.texts.items()}
    agreed = {language: found for language, found in pieces.items() if len(found) == len(pieces[pivot])}
    for row in range(len(pieces[pivot])):
        yield Group(group.source, {language: found[row] for language, found in agreed.items()})


def read_nusax(folder: Path) -> Iterator[Group]:
    """Read NusaX's parallel sentences in English, Indonesian and ten languages of Indonesia."""
    for name in ("train", "valid", "test"):
        with (folder / "mt" / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                yield Group("nusax", {language: row[column] for column, language in NUSAX_LANGUAGES.items()})


def _read_rows(folder: Path) -> dict[str, list[dict[str, str]]]:
    return {
        INSTRUCTION_LANGUAGES[path.stem]: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("*.json"))
    }


def read_instructions(folder: Path, pivot: str = "ind_Latn") -> Iterator[Group]:
    """Read the machine-translated instructions, inputs and answers, rows matched across languages.

    A few rows are missing in some languages; rows are matched by the edit distance that accompanies them
    (`midb_train`) and by their lengths (`alpaca_eval`).
    """
    training, evaluation = _read_rows(folder / "midb_train"), _read_rows(folder / "alpaca_eval")
    keys = {language: [row.get("Distance", "") for row in rows] for language, rows in training.items()}
    matches = {language: align_equal_keys(keys[pivot], found) for language, found in keys.items()}
    for column in ("Raw Instruction", "Raw Input", "Raw Response"):
        for row in range(len(training[pivot])):
            texts = {k: training[k][match[row]].get(column, "") for k, match in matches.items() if row in match}
            yield from split_group(Group("instructions", texts), pivot)
    texts_of = {language: [next(iter(row.values()), "") for row in rows] for language, rows in evaluation.items()}
    matches = {language: align_lengths(texts_of[pivot], found) for language, found in texts_of.items()}
    for row in range(len(texts_of[pivot])):
        texts = {k: texts_of[k][match[row]] for k, match in matches.items() if row in match}
        yield from split_group(Group("instructions", texts), pivot)
