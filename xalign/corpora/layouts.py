"""How tables lay out parallel text: a column per language, a row per language, translation objects, or pairs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from xalign.corpora.languages import resolve_language
from xalign.corpora.sources import Column, Found, Part
from xalign.corpora.tables import Table
from xalign.errors import CorpusError, UnknownNameError

ID_COLUMNS = ("index_id", "id", "sentence_id", "idx", "index", "", "Unnamed: 0", "__index_level_0__")
LABEL_COLUMNS = ("category", "topic", "label")
SPLIT_COLUMNS = ("split",)
TEXT_COLUMNS = ("text", "sentence")
LANGUAGE_COLUMNS = ("language", "lang", "lang_code", "iso_639_3")
_SCRIPT_COLUMNS = ("iso_15924", "script")
_PAIR_COLUMNS = (("sentence1", "sentence2"), ("source_sentence", "target_sentence"), ("sourceString", "targetString"))
_PAIR_LANGUAGES = (("source_lang", "target_lang"), ("sourceLang", "targetlang"))
#: Columns beside the languages that are passed over, though some (`url`, `src`) are codes of small languages.
_OTHER_COLUMNS = (
    *("url", "URL", "source", "src", "domain", "doc", "document", "docid", "document_id", "note", "notes", "comment"),
    *("key", "num", "tag", "set", "ref", "score", "has_image", "has_hyperlink", "glottocode", "last_updated"),
)
_PREFIX = "sentence_"


def found_in(tables: Sequence[Table]) -> Found:
    """Find the languages in tables that share a layout (one for each split, or just one).

    Args:
        tables: Tables with the same columns.

    Returns:
        Columns, or bitexts where the tables hold pairs.

    Raises:
        CorpusError: If a column is neither a language nor one that is known to go beside them.
    """
    return next(found(tables) for fits, found in _LAYOUTS if fits(tables[0].columns))


def part_of(table: Table, column: str, file: str | None = None) -> Part:
    """One text column of a table, with the ids, topics and splits beside it."""
    splits = table.words(SPLIT_COLUMNS) or ([table.split] * len(table.lines) if table.split else None)
    return Part(
        file or table.file,
        table.texts(column),
        table.lines,
        ids=table.words(id_columns(table)),
        labels=table.words(LABEL_COLUMNS),
        splits=splits,
    )


def id_columns(table: Table) -> tuple[str, ...]:
    """The columns that may hold ids; `id` is Indonesian instead where its cells are sentences."""
    cells = table.columns.get("id", ())
    worded = sum(isinstance(cell, str) and " " in cell.strip() for cell in cells)
    return tuple(name for name in ID_COLUMNS if name != "id" or 2 * worded <= len(cells))


def _has_translations(columns: Mapping[str, Sequence[object]]) -> bool:
    return "translation" in columns


def _from_translations(tables: Sequence[Table]) -> Found:
    opened = [_open_translations(table) for table in tables]
    names = [name for name in opened[0].columns if name not in tables[0].columns]
    return Found(columns=tuple(_column(name, name.removeprefix("translation."), opened) for name in names))


def _open_translations(table: Table) -> Table:
    """Put a column `translation.xx` beside the others for every key of the objects."""
    objects = table.columns["translation"]
    names = list(objects[0]) if len(objects) and isinstance(objects[0], Mapping) else []
    for line, row in zip(table.lines, objects, strict=True):
        if not isinstance(row, Mapping) or set(row) != set(names) or not names:
            keys = ", ".join(names) or "languages"
            raise CorpusError(f"{table.file}, line {line}: translation must be an object with keys {keys}, got {row!r}")
    columns = {f"translation.{name}": [row[name] for row in objects] for name in names}  # type: ignore[index]
    return replace(table, columns={**table.columns, **columns})


def _has_pairs(columns: Mapping[str, Sequence[object]]) -> bool:
    sentences = any(all(name in columns for name in pair) for pair in _PAIR_COLUMNS)
    return sentences and ("lang" in columns or any(all(name in columns for name in pair) for pair in _PAIR_LANGUAGES))


def _from_pairs(tables: Sequence[Table]) -> Found:
    columns = next(pair for pair in _PAIR_COLUMNS if all(name in tables[0].columns for name in pair))
    parts: dict[tuple[str, ...], list[tuple[Part, Part]]] = {}
    for table in tables:
        for languages, rows in _grouped(table, _pair_names(table)).items():
            first, second = (Part(table.file, rows.texts(name), rows.lines) for name in columns)
            parts.setdefault(languages, []).append((first, second))
    bitexts = [
        tuple(_ready(language, [pair[side] for pair in found]) for side, language in enumerate(languages))
        for languages, found in parts.items()
    ]
    return Found(bitexts=tuple(bitexts))  # type: ignore[arg-type]


def _pair_names(table: Table) -> list[tuple[str, ...]]:
    """The two languages of every row."""
    named = next((pair for pair in _PAIR_LANGUAGES if all(name in table.columns for name in pair)), None)
    if named:
        return list(zip(*(table.texts(name) for name in named), strict=True))
    pairs = [tuple(cell.split("-")) for cell in table.texts("lang")]
    for line, pair in zip(table.lines, pairs, strict=True):
        if len(pair) != 2:
            raise CorpusError(f"{table.file}, line {line}: lang must be a pair such as deu-eng, got {'-'.join(pair)!r}")
    return pairs


def _has_row_per_language(columns: Mapping[str, Sequence[object]]) -> bool:
    return any(name in columns for name in TEXT_COLUMNS) and any(name in columns for name in LANGUAGE_COLUMNS)


def _from_rows(tables: Sequence[Table]) -> Found:
    parts: dict[str, list[Part]] = {}
    for table in tables:
        text = next(name for name in TEXT_COLUMNS if name in table.columns)
        for (language,), rows in _grouped(table, _row_names(table)).items():
            parts.setdefault(language, []).append(part_of(rows, text))
    by_id = all(part.ids is not None for found in parts.values() for part in found)
    return Found(columns=tuple(_ready(language, found) for language, found in parts.items()), by_id=by_id)


def _row_names(table: Table) -> list[tuple[str, ...]]:
    language = next(name for name in LANGUAGE_COLUMNS if name in table.columns)
    script = next((name for name in _SCRIPT_COLUMNS if name in table.columns), None)
    names = table.texts(language)
    if script is None:
        return [(name,) for name in names]
    return [(f"{name}_{written}",) for name, written in zip(names, table.texts(script), strict=True)]


def _grouped(table: Table, keys: Sequence[tuple[str, ...]]) -> dict[tuple[str, ...], Table]:
    """Split a table by a key for each row."""
    rows: dict[tuple[str, ...], list[int]] = {}
    for i, key in enumerate(keys):
        rows.setdefault(key, []).append(i)
    return {key: _rows_of(table, chosen) for key, chosen in rows.items()}


def _rows_of(table: Table, rows: Sequence[int]) -> Table:
    columns = {name: [cells[i] for i in rows] for name, cells in table.columns.items()}
    return replace(table, columns=columns, lines=[table.lines[i] for i in rows])


def _from_columns(tables: Sequence[Table]) -> Found:
    names = _language_columns(tables[0])
    return Found(columns=tuple(_column(name, name.removeprefix(_PREFIX), tables) for name in names))


def _language_columns(table: Table) -> list[str]:
    """The columns that are languages; any other must be known to go beside them."""
    prefixed = [name for name in table.columns if name.startswith(_PREFIX) and name not in ID_COLUMNS]
    beside = {*id_columns(table), *LABEL_COLUMNS, *SPLIT_COLUMNS, *_OTHER_COLUMNS}
    names = prefixed or [name for name in table.columns if name not in beside]
    for name in names:
        try:
            resolve_language(name.removeprefix(_PREFIX))
        except UnknownNameError as error:
            raise CorpusError(
                f"{table.file}: column {name!r} must be a language, or one of {', '.join(ID_COLUMNS[:3])}, "
                f"{', '.join(LABEL_COLUMNS)}, split; {error}"
            ) from error
    if not names:
        raise CorpusError(f"{table.file}: a column per language was expected, got {', '.join(table.columns)}")
    return names


def _column(name: str, spelling: str, tables: Sequence[Table]) -> Column:
    file = f"{tables[0].file}, column {spelling}"
    return Column(
        spelling, file, lambda: [part_of(table, name, f"{table.file}, column {spelling}") for table in tables]
    )


def _ready(spelling: str, parts: Sequence[Part]) -> Column:
    return Column(spelling, parts[0].file, lambda: parts)


_Layout = tuple[Callable[[Mapping[str, Sequence[object]]], bool], Callable[[Sequence[Table]], Found]]
_LAYOUTS: tuple[_Layout, ...] = (
    (_has_translations, _from_translations),
    (_has_pairs, _from_pairs),
    (_has_row_per_language, _from_rows),
    (lambda columns: True, _from_columns),
)
