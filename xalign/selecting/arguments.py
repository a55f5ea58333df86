"""Arguments of a selection that are checked before any work: methods, options, lists, reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xalign.errors import SettingError
from xalign.names import nearest
from xalign.selecting.material.reliability import Reliability, read_reliability
from xalign.selecting.methods.adapters import NO_BASE
from xalign.selecting.methods.options import require_options
from xalign.selecting.methods.table import find_method, require_quality
from xalign.selecting.phases.mapping import MapPlan
from xalign.selecting.settings import ChoiceSettings

if TYPE_CHECKING:
    from xalign.report import ProbeReport

GOTD, LASER = "gotd", "laser"


def require_methods(settings: ChoiceSettings, options: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse methods that do not exist or lack a score to rank by, and options of methods that do not run."""
    running = (settings.method, *settings.compare)
    for name in running:
        find_method(name)
    require_quality(find_method(settings.method), is_given=settings.quality is not None)
    if settings.method == GOTD and base_of(options) is None:
        raise SettingError(f"{GOTD}: {NO_BASE}")
    if settings.difficulty is not None and LASER not in running:
        raise SettingError(
            f"difficulty is multiplied with quality by {LASER}, got it for {', '.join(running)}; leave it out"
        )
    for name in options:
        if name not in running:
            raise SettingError(
                f"options must be of methods that run ({', '.join(running)}), got {name!r}{nearest(name, running)}"
            )
        require_options(name, options[name])
    _require_strata(options.get(LASER, {}))


def require_category_use(settings: ChoiceSettings, plan: MapPlan) -> None:
    """Refuse categories that nothing asks for."""
    running = (settings.method, *settings.compare)
    if settings.category is not None and LASER not in running and (plan.scorers is None or plan.scorers.is_one):
        raise SettingError(
            f"category is for {LASER} and for scorers by category, got it for {', '.join(running)} with "
            f"{'no quality' if plan.scorers is None else 'one scorer'}; leave it out"
        )


def _require_strata(options: Mapping[str, Any]) -> None:
    """Refuse shares that do not sum to 1 and a percentile that is none; which categories there are is known later."""
    from selection.data.quotas import TOLERANCE

    shares, percentile = options.get("shares"), options.get("percentile", 80)
    if isinstance(shares, Mapping) and not abs(sum(shares.values()) - 1) <= TOLERANCE:
        raise SettingError(f"shares of {LASER} must sum to 1, got {dict(shares)}")
    if not isinstance(percentile, int | float) or not 0 <= percentile <= 100:
        raise SettingError(f"percentile of {LASER} must be from 0 to 100, got {percentile!r}")


def base_of(options: Mapping[str, Mapping[str, Any]]) -> Any:
    """What a model has been trained on, as GOT-D's option says it; None where it does not."""
    return options.get(GOTD, {}).get("base")


def fields_of(plan: MapPlan) -> dict[str, str]:
    """The fields that are read besides text, language and id, by the argument that names them."""
    named = {
        "tags": plan.tags,
        "translation": plan.translation,
        "category": plan.category if isinstance(plan.category, str) else None,
    }
    scorers = {"quality": plan.scorers.specs if plan.scorers else (), "difficulty": (plan.difficulty,)}
    for argument, specs in scorers.items():
        fields = [field for spec in specs if spec is not None for field in spec.fields]
        named |= {
            argument if not place else f"{argument}, field {place + 1}": field for place, field in enumerate(fields)
        }
    return {name: value for name, value in named.items() if value}


def rare_fields_of(plan: MapPlan) -> frozenset[str]:
    """The arguments that name fields which only some rows have: translations, and those of scorers by category."""
    by_category = plan.scorers is not None and not plan.scorers.is_one
    return frozenset(
        name for name in fields_of(plan) if name == "translation" or (by_category and name.startswith("quality"))
    )


def recorded(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as a record in JSON has them: what is no value by its path, or by what it says of itself."""
    return {name: _recorded(value) for name, value in arguments.items()}


def _recorded(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(name): _recorded(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_recorded(one) for one in value]
    return str(value) if isinstance(value, Path) else getattr(value, "name", None) or repr(value)


def load_report(report: ProbeReport | str | Path | None) -> ProbeReport | None:
    """A report, from its folder where that is given."""
    from xalign.report import ProbeReport

    return report if report is None or isinstance(report, ProbeReport) else ProbeReport.load(report)


def reliability_of(counts: Mapping[str, int], *, report: ProbeReport | None, pivot: str) -> Reliability | None:
    """How far each language of a pool is aligned, where a report tells."""
    return None if report is None else read_reliability(report, tuple(counts), pivot=pivot)


def names_of(names: str | Sequence[str]) -> tuple[str, ...]:
    """Names from a list, or from a text with commas between; each once."""
    parts = names.split(",") if isinstance(names, str) else names
    return tuple(dict.fromkeys(name.strip() for name in parts if name.strip()))


def read_tag_list(known: str | Path | Sequence[str] | None, field: str | None) -> tuple[str, ...]:
    """Labels from a list, or from a file with one a line."""
    if known is None:
        return ()
    if field is None:
        raise SettingError("tag_list says which labels there may be in a field of labels; name that with --tags (tags)")
    if isinstance(known, str | Path):
        from xalign.corpora.lines import read_lines

        known = [line.strip() for line in read_lines(Path(known)) if line.strip()]
    if not known:
        raise SettingError("tag_list must name at least one label, got none")
    return tuple(known)
