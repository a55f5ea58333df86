import json

import pytest

from xalign.corpora import load_corpus
from xalign.errors import CorpusError, UnknownNameError

pytestmark = pytest.mark.usefixtures("unchecked")

FOUR = "a\nb\nc\nd\n"
ROWS = "index_id\ttext\n1\ta\n2\tb\n3\tc\n4\td\n"
WIDE = "id,eng,deu\n1,a,b\n2,a,b\n3,a,b\n4,a,b\n"
SQUAD = '{"data": [{"paragraphs": [{"context": "c", "qas": [{"id": "1", "question": "q"}]}]}]}'


def jsonl(*rows):
    return "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)


CASES = {
    "different lengths": (
        {"eng.txt": FOUR, "deu.txt": "a\nb\nc\nd\ne\nf\n"},
        ["eng.txt: the 6 lines of", "deu.txt were expected, got 4", "deu.txt, line 5: 'e'"],
    ),
    "an empty line": (
        {"eng.txt": FOUR, "deu.txt": "a\n\nc\nd\n"},
        ["deu.txt, line 2", "got a blank ('')", "remove the row"],
    ),
    "a blank line": ({"eng.txt": FOUR, "deu.txt": "a\n \u200b\t\nc\nd\n"}, ["deu.txt, line 2", "got a blank"]),
    "an empty line at the end": ({"eng.txt": FOUR + "\n", "deu.txt": FOUR + "e\n"}, ["eng.txt, line 5", "blank"]),
    "invalid UTF-8": (
        {"eng.txt": FOUR, "deu.txt": b"a\nb\xe9\nc\nd\n"},
        ["deu.txt, line 2: text must be UTF-8, got byte 0xe9 at offset 3", "iconv"],
    ),
    "invalid UTF-8 after a BOM": ({"eng.txt": b"\xef\xbb\xbfa\n\xff\n"}, ["eng.txt, line 2", "0xff at offset 5"]),
    "an unknown language": ({"eng.txt": FOUR, "klingonish.txt": FOUR}, ["klingonish.txt: language must be", "Klingon"]),
    "no language in the name": (
        {"eng.txt": FOUR, "deu.fra.txt": FOUR},
        ["deu.fra.txt: one language", "got deu and fra"],
    ),
    "fewer than 4 sentences": ({"eng.txt": "a\nb\nc\n"}, ["eng.txt: at least 4 sentences were expected, got 3"]),
    "an empty file": ({"eng.txt": ""}, ["eng.txt: at least 4 sentences were expected, got 0"]),
    "two sources of one language": (
        {"deu.txt": FOUR, "deu_Latn.txt": FOUR},
        ["deu_Latn.txt: deu_Latn is deu_Latn, and so is deu", "deu.txt)", "choose with languages="],
    ),
    "duplicate ids": (
        {"eng.tsv": ROWS, "deu.tsv": ROWS + "2\te\n"},
        ["deu.tsv, line 6: ids must be unique, got 2 again, first", "deu.tsv, line 3"],
    ),
    "duplicate ids in one table": (
        {"all.csv": WIDE + "2,c,d\n"},
        ["all.csv", "line 6: ids must be unique, got 2 again"],
    ),
    "missing ids": (
        {"eng.tsv": ROWS + "7\te\n12\tf\n", "deu.tsv": ROWS},
        ["deu.tsv: the ids of", "eng.tsv were expected, got none of 7, 12 (2)"],
    ),
    "missing ids in the first file": (
        {"eng.tsv": ROWS, "aaa.tsv": ROWS + "9\te\n"},
        ["eng.tsv: the ids", "got none of 9 (1)"],
    ),
    "a missing text column": (
        {"eng.tsv": ROWS, "fra.tsv": ROWS.replace("text", "sent")},
        ["fra.tsv: column 'text' was expected, got index_id, sent"],
    ),
    "a missing id column": (
        {"eng.tsv": ROWS, "fra.tsv": ROWS.replace("index_id", "number")},
        ["fra.tsv: a column of ids such as index_id was expected, as in", "got none"],
    ),
    "a ragged TSV row": (
        {"eng.tsv": ROWS, "fra.tsv": ROWS.replace("2\tb", "2\tb\tc")},
        ["fra.tsv, line 3: a row must have the 2 cells of the header (index_id, text), got 3"],
    ),
    "a blank TSV row": ({"eng.tsv": ROWS + "\n5\te\n"}, ["eng.tsv, line 6: a row with 2 cells", "got a blank line"]),
    "a ragged CSV row": (
        {"all.csv": WIDE.replace("2,a,b", "2,a")},
        ["all.csv, line 3: a row must have the 3 cells", "got 2"],
    ),
    "quotes that do not close": ({"all.csv": WIDE + '5,"a,b\n'}, ["all.csv, line 6: cells with quotes", "as in CSV"]),
    "a quote in the middle of a cell": ({"all.csv": WIDE + '5,"a"b,c\n'}, ["all.csv, line 6: cells with quotes"]),
    "a blank cell": (
        {"all.csv": WIDE + "5,a, \n"},
        ["all.csv, column deu, line 6: a sentence was expected, got a blank"],
    ),
    "an unknown column": ({"all.csv": WIDE.replace("deu", "klingonish")}, ["all.csv: column 'klingonish'", "Klingon"]),
    "two equal columns": ({"all.csv": WIDE.replace("deu", "eng")}, ["all.csv, line 1: column names must differ"]),
    "two columns of one language": ({"all.csv": WIDE.replace("deu", "en")}, ["en is eng_Latn, and so is eng"]),
    "an empty table": ({"all.csv": ""}, ["all.csv, line 1: a header was expected, got an empty file"]),
    "a table without languages": (
        {"all.csv": "id,url\n1,2\n"},
        ["all.csv: a column per language was expected, got id, url"],
    ),
    "tables with different columns": (
        {"train.csv": WIDE, "test.csv": WIDE.replace("deu", "fra")},
        ["test.csv: columns deu of", "train.csv were expected"],
    ),
    "malformed JSON": (
        {"all.jsonl": jsonl({"en": "a"}, '{"en": ')},
        ["all.jsonl, line 2: a JSON object was expected, got"],
    ),
    "a blank JSON line": (
        {"all.jsonl": jsonl({"en": "a"}, "", {"en": "b"})},
        ["all.jsonl, line 2", "got a blank line"],
    ),
    "a JSON list": (
        {"all.jsonl": jsonl({"en": "a"}, "[1]")},
        ["all.jsonl, line 2: a JSON object was expected, got list"],
    ),
    "a missing key": ({"all.jsonl": jsonl({"en": "a", "de": "b"}, {"en": "a"})}, ["all.jsonl, line 2", "without de"]),
    "a key too many": ({"all.jsonl": jsonl({"en": "a"}, {"en": "a", "de": "b"})}, ["line 2", "with de as well"]),
    "no text": ({"all.jsonl": jsonl({"en": "a"}, {"en": None})}, ["all.jsonl, line 2: en must be text, got None"]),
    "a translation that is no object": (
        {"all.jsonl": jsonl({"translation": {"en": "a", "de": "b"}}, {"translation": {"en": "a"}})},
        ["all.jsonl, line 2: translation must be an object with keys en, de"],
    ),
    "a lone surrogate": (
        {"all.jsonl": jsonl(*['{"en": "a", "de": "\\ud800"}'] * 4)},
        ["line 1: valid Unicode was expected, got a lone surrogate"],
    ),
    "no pair in lang": (
        {"all.jsonl": jsonl({"sentence1": "a", "sentence2": "b", "lang": "deu"})},
        ["line 1: lang must be a pair such as deu-eng, got 'deu'"],
    ),
    "an empty JSON lines file": ({"all.jsonl": ""}, ["all.jsonl, line 1", "got an empty file"]),
    "malformed SQuAD": ({"x.en.json": SQUAD, "x.de.json": SQUAD[:-3]}, ["x.de.json, line 1: JSON was expected"]),
    "no SQuAD": ({"x.en.json": SQUAD, "x.de.json": '{"rows": []}'}, ["x.de.json: SQuAD format was expected", "'data'"]),
    "a Parquet file that is none": ({"all.parquet": "no"}, ["all.parquet: a Parquet file was expected"]),
    "a missing side": ({"x.deu-eng.deu": FOUR}, ["x.deu-eng.eng: the other side of x.deu-eng.deu was expected"]),
    "a file beside the pairs": (
        {"x.deu-eng.deu": FOUR, "x.deu-eng.eng": FOUR, "x.deu": FOUR},
        ["x.deu: a side of a pair was expected"],
    ),
    "pairs without the pivot": (
        {f"x.{a}-{b}.{side}": FOUR for a, b in (("deu", "eng"), ("fra", "deu")) for side in (a, b)},
        ["a bitext of eng_Latn and another language was expected", "pass pivot="],
    ),
    "sides of different lengths": (
        {"x.deu-eng.deu": FOUR, "x.deu-eng.eng": FOUR + "e\n"},
        ["x.deu-eng.deu: the 5 lines of", "x.deu-eng.eng were expected, got 4"],
    ),
    "an unknown format": (
        {"eng.zip": "PK", "deu.txt": FOUR},
        ["expected a folder of datasets", "got deu.txt, eng.zip"],
    ),
    "an empty folder": ({}, ["a folder with data files was expected, got none"]),
    "nothing but a README": ({"README.md": "x"}, ["a folder with data files was expected, got none"]),
    "different topics": (
        {
            "eng.tsv": "index_id\tcategory\ttext\n" + "".join(f"{i}\tx\ta\n" for i in range(4)),
            "fra.tsv": "index_id\tcategory\ttext\n" + "".join(f"{i}\t{'xxyx'[i]}\ta\n" for i in range(4)),
        },
        ["fra.tsv: topic of id 2 must be 'x' as in", "eng.tsv, got 'y'"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_named(case, tmp_path):
    files, said = CASES[case]
    for name, content in files.items():
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(CorpusError) as caught:
        load_corpus(tmp_path, progress=False)
    for each in said:
        assert each in str(caught.value)


@pytest.fixture
def flores(tmp_path, write_lines, small):
    return write_lines(tmp_path, small)


def test_a_path_that_does_not_exist_names_the_nearest(flores):
    with pytest.raises(CorpusError, match=r"corpus must be a path that exists.*did you mean .*deu_Latn\.txt"):
        load_corpus(flores / "deu_Latin.txt", progress=False)
    with pytest.raises(CorpusError, match="did you mean 'xalign-100'"):
        load_corpus("xalign100", progress=False)


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ({"languages": ["swahilli"]}, "nearest: Swahili"),
        ({"languages": ["cmn_Hant"]}, r"got 'cmn_Hant' \(zho_Hant\); nearest: zho_Hans"),
        ({"split": "test"}, "split must be None, got 'test': .* has no splits"),
        ({"normalise": "nfc"}, "normalise must be None or one of NFC, NFD, NFKC, NFKD, got 'nfc'"),
    ],
)
def test_unknown_names_are_refused(flores, wishes, said):
    with pytest.raises(UnknownNameError, match=said):
        load_corpus(flores, progress=False, **wishes)


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ({"limit": 3}, "limit must be at least 4, got 3"),
        ({"languages": []}, r"languages must name at least one language, such as \['deu_Latn', .*None"),
    ],
)
def test_bad_arguments_are_refused(flores, wishes, said):
    with pytest.raises(CorpusError, match=said):
        load_corpus(flores, progress=False, **wishes)


def test_an_unknown_split_names_those_there_are(tmp_path):
    rows = "".join(f"{i}\t{'dev' if i < 4 else 'test'}\ta\n" for i in range(8))
    (tmp_path / "eng.tsv").write_text(f"index_id\tsplit\ttext\n{rows}", encoding="utf-8")
    with pytest.raises(UnknownNameError, match=r"split must be one of dev, test, got 'tests' .did you mean 'test'"):
        load_corpus(tmp_path, split="tests", progress=False)


def test_an_unknown_field_names_those_there_are(tmp_path):
    (tmp_path / "x.en.json").write_text(SQUAD, encoding="utf-8")
    with pytest.raises(UnknownNameError, match="must be one of questions, paragraphs, got 'answers'"):
        load_corpus(f"{tmp_path}#answers", progress=False)


def test_two_spellings_of_one_language_are_told_apart_by_name(tmp_path):
    for name in ("deu", "ger", "eng"):
        (tmp_path / f"{name}.txt").write_text("".join(f"{name} {i}\n" for i in range(4)), encoding="utf-8")
    corpus = load_corpus(tmp_path, languages=["ger", "eng"], progress=False)
    assert corpus.sentences["deu_Latn"][0] == "ger 0"


def test_a_hub_name_without_a_network_says_what_to_do():
    with pytest.raises(
        CorpusError, match=r"openlanguagedata/flores_plus: a dataset .* expected, got .*pass the folder"
    ):
        load_corpus("openlanguagedata/flores_plus", progress=False)
