"""Whatever the `datasets` library loads: a folder of `save_to_disk`, or a dataset on the hub.

Layouts that are understood, with datasets that have them:

- a column per language, also named `sentence_<code>` (facebook/flores);
- a column `translation` of objects with a key per language (the WMT and OPUS sets);
- `text` with `language`, `lang` or `iso_639_3` and `iso_15924`, and `id` (openlanguagedata/flores_plus);
- `sentence1`, `sentence2` and `lang` such as `deu-eng`, or `sourceString`, `targetString`, `sourceLang` and
  `targetlang` (Helsinki-NLP/tatoeba_mt): bitexts;
- a configuration, or a key of a DatasetDict, for each language, with `text` or `sentence`
  (Davlan/sib200, davidstap/NTREX).

No code of a dataset is ever run: a dataset that needs it is refused by the library.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xalign.corpora.languages import is_code_like
from xalign.corpora.layouts import LANGUAGE_COLUMNS, TEXT_COLUMNS, found_in, part_of
from xalign.corpora.naming import SPLITS
from xalign.corpora.places import Place
from xalign.corpora.sources import Column, Found, Part
from xalign.corpora.tables import Table
from xalign.errors import CorpusError


def detects(place: Place) -> bool:
    """Whether the folder was written by `save_to_disk`."""
    return any((place.path / name).is_file() for name in ("dataset_dict.json", "state.json"))


def reads(place: Place) -> Found:
    """Find the languages in a folder of `save_to_disk`."""
    from datasets import load_from_disk

    return _found(_tables(_call(place.path, lambda: load_from_disk(str(place.path))), str(place.path)))


def is_hub_name(name: str) -> bool:
    """Whether a name could be of the hub: `owner/name`, perhaps with `#configuration`."""
    owner, slash, rest = name.partition("/")
    return bool(slash and owner and rest) and "/" not in rest and not name.startswith((".", "~", "/"))


def reads_hub(name: str) -> Found:
    """Find the languages in a dataset of the hub, or in its configurations if each is a language.

    Args:
        name: `owner/name` or `owner/name#configuration`.

    Raises:
        CorpusError: If the library cannot load it, for instance offline.
    """
    from datasets import get_dataset_config_names, load_dataset

    repository, _, config = name.partition("#")
    configs = [] if config else _call(name, lambda: get_dataset_config_names(repository))
    if len(configs) > 1 and all(is_code_like(each) for each in configs):
        return Found(tuple(_config_column(repository, each) for each in configs), by_id=True)
    return _found(_tables(_call(name, lambda: load_dataset(repository, config or None)), name))


def _config_column(repository: str, config: str) -> Column:
    from datasets import load_dataset

    name = f"{repository}#{config}"

    def read() -> Sequence[Part]:
        tables = _tables(_call(name, lambda: load_dataset(repository, config)), name)
        return [part_of(table, _text_column(table)) for table in tables.values()]

    return Column(config, name, read)


def _found(tables: Mapping[str, Table]) -> Found:
    """Keys are languages where all are codes and each table is of one language, otherwise splits."""
    first = next(iter(tables.values()))
    per_language = all(is_code_like(key) and key not in SPLITS for key in tables)
    if not per_language or set(LANGUAGE_COLUMNS).intersection(first.columns):
        return found_in(list(tables.values()))
    return Found(tuple(_key_column(key, table) for key, table in tables.items()), by_id=True)


def _key_column(key: str, table: Table) -> Column:
    return Column(key, table.file, lambda: [part_of(table, _text_column(table))])


def _text_column(table: Table) -> str:
    return next((name for name in TEXT_COLUMNS if name in table.columns), TEXT_COLUMNS[0])


def _tables(loaded: Any, file: str) -> dict[str, Table]:
    """A table for every key of a DatasetDict; a lone Dataset has the key of its split, if any."""
    keyed = dict(loaded) if isinstance(loaded, Mapping) else {"": loaded}
    if not keyed:
        raise CorpusError(f"{file}: a dataset with rows was expected, got none")
    return {key: _table(data, file, key, len(keyed) > 1) for key, data in keyed.items()}


def _table(data: Any, file: str, key: str, several: bool) -> Table:
    rows = data[:]
    columns = {name: _named(rows[name], data.features[name]) for name in data.column_names}
    split = key if key in SPLITS or several else None
    return Table(f"{file} [{key}]" if key else file, columns, range(1, len(data) + 1), split or None)


def _named(cells: Sequence[object], feature: Any) -> Sequence[object]:
    """Class numbers as the names they stand for."""
    names = getattr(feature, "names", None)
    return cells if names is None else [names[cell] if isinstance(cell, int) and cell >= 0 else cell for cell in cells]


def _call(name: object, load: Callable[[], Any]) -> Any:
    try:
        return load()
    except (OSError, ValueError, RuntimeError) as error:
        raise CorpusError(
            f"{name}: a dataset that the datasets library loads was expected, got {type(error).__name__}: {error}; "
            "without a network, save_to_disk it where there is one and pass the folder"
        ) from error
