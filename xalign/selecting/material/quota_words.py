"""Quotas by language as they are asked for: shares, counts, a rule, a choice of languages, or what a report says."""

from __future__ import annotations

from collections.abc import Mapping

from selection.data.quotas import fill_shares, require_budget, resolve_quotas
from xalign.corpora import resolve_language
from xalign.errors import SettingError, UnknownNameError
from xalign.language_lists import read_languages
from xalign.selecting.material.reliability import Reliability

RULES = ("proportional", "equal")
OF_TARGET = "target"
BY_REPORT = ("reliability", "need")
Quotas = str | Mapping[str, int | float]


def resolve_language_quotas(
    quotas: Quotas | None,
    counts: Mapping[str, int],
    budget: int,
    reliability: Reliability | None = None,
    *,
    target: Mapping[str, int] | None = None,
) -> dict[str, int] | None:
    """Turn quotas into a count by language.

    Args:
        quotas: "swh_Latn=0.5,tam_Taml=0.5" (shares), "sw=100,ta=50" (counts), or a mapping of these; "proportional",
            "equal"; "target" (in proportion to the target's rows, as far as its languages have rows, the rest in
            proportion to the pool's other languages); "@chosen.json" (equal shares of the languages that `xalign
            languages` chose); "reliability" or "need" (rows of a language times what the report says of
            it); None for no quota.
        counts: Rows of the pool by language.
        budget: Rows to choose.
        reliability: Of the report, where one is given.
        target: Rows of the target by language.

    Returns:
        Counts that sum to the budget; None for no quota.

    Raises:
        SettingError: If they cannot be read, do not sum, or exceed what a language has.
        UnknownNameError: If a name is no language.
    """
    if quotas is None:
        return None
    wanted = None if quotas == OF_TARGET else _read(quotas, counts, reliability)
    try:
        if wanted is None:
            return _as_target(counts, budget, target or {})
        return resolve_quotas([], budget, wanted, available=dict(counts))
    except ValueError as error:
        raise SettingError(str(error)) from error


def _read(quotas: Quotas, counts: Mapping[str, int], reliability: Reliability | None) -> str | dict[str, int | float]:
    if not isinstance(quotas, str):
        return _coded(dict(quotas), counts)
    if quotas in RULES:
        return quotas
    if quotas in BY_REPORT:
        return _by_report(quotas, counts, reliability)
    if quotas.startswith("@"):
        names = [_code(name, counts) for name in read_languages(quotas)]
        return dict.fromkeys(dict.fromkeys(names), 1 / len(set(names)))
    return _coded(dict(_pair(part) for part in quotas.split(",") if part.strip()), counts)


def _as_target(counts: Mapping[str, int], budget: int, target: Mapping[str, int]) -> dict[str, int]:
    """Fill the budget from the target's languages as far as these have rows, and then from the others."""
    require_budget(budget, sum(counts.values()))
    wanted = {name: n for name, n in target.items() if name in counts}
    if not wanted:
        raise SettingError("quotas 'target' need a target in languages of the pool, got none; choose another rule")
    found = dict.fromkeys(counts, 0) | fill_shares(wanted, counts, budget)
    return fill_shares({name: n for name, n in counts.items() if name not in wanted}, counts, budget, given=found)


def _by_report(rule: str, counts: Mapping[str, int], reliability: Reliability | None) -> dict[str, int | float]:
    if reliability is None:
        raise SettingError(f"quotas {rule!r} need a report of probes; give --report (report)")
    values = reliability.by_language if rule == "reliability" else reliability.need
    weights = {language: n * values[language] for language, n in counts.items()}
    total = sum(weights.values())
    if total <= 0:
        raise SettingError("quotas by need must have a language that lacks something, got none; choose another rule")
    return {language: weight / total for language, weight in weights.items()}


def _pair(part: str) -> tuple[str, int | float]:
    name, equals, value = part.partition("=")
    try:
        return name.strip(), int(value) if equals and value.strip().lstrip("-").isdigit() else float(value)
    except ValueError:
        raise SettingError(
            f"quotas must be {', '.join((*RULES, OF_TARGET, *BY_REPORT))}, @chosen.json, or language=share with commas "
            f"between, such as swh_Latn=0.6,tam_Taml=0.4, got {part.strip()!r}"
        ) from None


def _coded(quotas: Mapping[str, int | float], counts: Mapping[str, int]) -> dict[str, int | float]:
    coded: dict[str, int | float] = {}
    for name, value in quotas.items():
        code = _code(name, counts)
        if code in coded:
            raise SettingError(f"quotas must name each language once, got {code} twice")
        coded[code] = value
    return coded


def _code(name: str, counts: Mapping[str, int]) -> str:
    """A language's code; the pool's own labels stand for themselves."""
    if name in counts:
        return name
    try:
        return resolve_language(name).code
    except UnknownNameError as error:
        raise UnknownNameError(f"quotas: {error}") from error
