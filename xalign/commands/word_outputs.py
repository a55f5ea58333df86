"""What `xalign words` does and says: links to a file or the screen, scores as a table, pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xalign.errors import SettingError

if TYPE_CHECKING:
    import pandas as pd

    from xalign.encoders import Encoder
    from xalign.word_alignment import AlignmentEvaluation, GoldSet, WordAlignment

SCORES = ("aer", "precision", "recall", "f1", "total_f1")


def alignment(  # noqa: PLR0913 - options of a command
    encoder: Encoder,
    place: str,
    settings: Mapping[str, Any],
    *,
    out: Path | None,
    confidence: bool,
    pictures: Sequence[int],
    as_json: bool,
) -> str:
    """Align a file of pairs; returns the links, or where they were written, or all of it as JSON."""
    from xalign.word_alignment import align_words, read_pairs, write_links
    from xalign.word_alignment.pharaoh import links_as_text

    pairs = read_pairs(place)
    _check_pictures(pictures, pairs)
    found = align_words(encoder, pairs, **settings)
    lines = [links_as_text(each, confidence=confidence) for each in found]
    if out is not None:
        write_links(found, out, confidence=confidence)
    drawn = [_draw(encoder, found[n], settings, n, (out or Path("alignment")).with_suffix("")) for n in pictures]
    if as_json:
        return _alignment_as_json(found, out, drawn)
    if out is None:
        return "".join(f"{line}\n" for line in lines)
    return "\n".join([*_summary(found), *(f"picture: {path}" for path in drawn), f"links: {out} (words from 0)"])


def evaluation(  # noqa: PLR0913 - options of a command
    encoder: Encoder,
    sets: Sequence[GoldSet],
    judging: Mapping[str, Any],
    settings: Mapping[str, Any],
    *,
    out: Path,
    pictures: Sequence[int],
    as_json: bool,
) -> str:
    """Score alignments against gold links, write the folder, and return the table or JSON."""
    from xalign.word_alignment import align_words, evaluate_alignment

    for gold_set in sets:
        _check_pictures(pictures, gold_set.pairs)
    result = evaluate_alignment(encoder, sets, **judging, **settings)
    result.save(out)
    method, layer = result.run["arguments"]["methods"][0], result.run["arguments"]["layers"][-1]
    chosen = dict(settings) | {"method": method, "layer": layer, "progress": False}
    drawn: list[Path] = []
    for gold_set in sets:
        for n in pictures:
            (found,) = align_words(encoder, [gold_set.pairs[n]], **chosen)
            drawn.append(_draw(encoder, found, chosen, n, out / gold_set.name, gold=gold_set))
    return (_evaluation_as_json if as_json else _evaluation_as_text)(result, out, drawn)


def _check_pictures(pictures: Sequence[int], pairs: Sequence[tuple[Sequence[str], Sequence[str]]]) -> None:
    """Refuse, before any work, pictures of pairs that are not there or have nothing to draw."""
    for number in pictures:
        if not 0 <= number < len(pairs):
            raise SettingError(f"--picture must be in 0..{len(pairs) - 1}, the pairs counted from 0, got {number}")
        if not all(pairs[number]):
            raise SettingError(f"--picture {number} asks for a pair without words on a side; there is nothing to draw")


def _draw(
    encoder: Encoder,
    found: WordAlignment,
    settings: Mapping[str, Any],
    number: int,
    stem: Path,
    *,
    gold: GoldSet | None = None,
) -> Path:
    """Draw one alignment as `STEM_NUMBER.png`."""
    from xalign.figures.alignments import alignment_picture
    from xalign.files import write_whole
    from xalign.word_alignment import default_layer, word_similarities

    layer = default_layer(encoder.n_layers) if settings["layer"] is None else settings["layer"]
    (similarity,) = word_similarities(
        encoder, [(found.source, found.target)], layer=layer, unit=str(settings["unit"])
    )  # fmt: skip
    links = {} if gold is None else {"sure": gold.gold.sure[number], "possible": gold.gold.possible[number]}
    name = f"{stem.name}_{number}"
    title = f"{stem.name}, pair {number}: {settings['method']}, layer {layer}"
    picture = alignment_picture(
        name, title, found.source, found.target, links=found.links, similarity=similarity, title=title, **links
    )  # fmt: skip
    return write_whole(stem.with_name(f"{name}.png"), lambda file: file.write(picture.png))


def _summary(found: Sequence[WordAlignment]) -> list[str]:
    """How many pairs and links, and what has none."""
    sides = [
        (len(each.source), len(each.unaligned_source), len(each.target), len(each.unaligned_target)) for each in found
    ]
    n_source, null_source, n_target, null_target = map(sum, zip(*sides, strict=True))
    lines = [
        f"{len(found)} sentence pairs, {sum(len(each.links) for each in found)} links",
        f"words without a link: {null_source} of {n_source} source words, {null_target} of {n_target} target words",
    ]
    if cut := sum(each.truncated for each in found):
        lines.append(f"note: {cut} pairs are longer than the model reads and were cut off")
    return lines


def _alignment_as_json(found: Sequence[WordAlignment], out: Path | None, drawn: Sequence[Path]) -> str:
    """One document: the links with their confidence, words counted from 0."""
    pairs = [
        {
            "links": [[i, j, None if isnan(sure) else sure] for (i, j), sure in sorted(each.confidence.items())],
            "unaligned_source": each.unaligned_source,
            "unaligned_target": each.unaligned_target,
            "truncated": each.truncated,
        }
        for each in found
    ]
    document = {"index_base": 0, "out": None if out is None else str(out), "pictures": list(map(str, drawn))}
    return json.dumps(document | {"pairs": pairs}, ensure_ascii=False)


def _evaluation_as_text(result: AlignmentEvaluation, folder: Path, drawn: Sequence[Path]) -> str:
    """A row per data set, method and layer, the floors, and what the columns mean."""
    from xalign.figures.names import model_title

    data = ", ".join(f"{name} ({n} pairs)" for name, n in result.run["data"].items())
    width = max([10, *(len(str(name)) + 2 for column in ("data", "method") for name in result.table[column])])
    lines = [
        f"{model_title(result.run['model']['name'])}: word alignment against gold links, {data}",
        "",
        f"{'data':<{width}}{'method':<{width}}{'layer':>5}{'AER':>8}  {'95 %':<16}{'precision':>9}"
        f"{'recall':>8}{'F1':>8}{'total F1':>10}{'links':>8}",
    ]
    table = result.table.astype({"layer": "string"}).fillna({"layer": "-"})
    lines += [_line(row, width) for row in table.to_dict("records")]
    lines += [
        "",
        "AER: lower is better; the others: higher. Intervals by resampling sentence pairs. Total F1 counts words "
        "without a link.",
        "floors: diagonal links words at the same relative place, random links words at random",
        *(f"note: {warning}" for warning in result.warnings),
    ]
    return "\n".join([*lines, *(f"picture: {path}" for path in drawn), f"result: {folder}"])


def _line(row: Mapping[Any, Any], width: int) -> str:
    interval = "" if isnan(row["aer_low"]) else f"[{row['aer_low']:.3f}, {row['aer_high']:.3f}]"
    aer, precision, recall, f1, total = ("-" if isnan(row[name]) else f"{row[name]:.3f}" for name in SCORES)
    return (
        f"{row['data']:<{width}}{row['method']:<{width}}{row['layer']:>5}{aer:>8}  {interval:<16}{precision:>9}"
        f"{recall:>8}{f1:>8}{total:>10}{row['links']:>8}"
    )


def _evaluation_as_json(result: AlignmentEvaluation, folder: Path, drawn: Sequence[Path]) -> str:
    table: pd.DataFrame = result.table
    document = {"folder": str(folder), "pictures": list(map(str, drawn))}
    document |= {"alignment": json.loads(table.to_json(orient="records")), "warnings": list(result.warnings)}
    return json.dumps(document, ensure_ascii=False)
