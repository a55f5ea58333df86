"""Score a model and write its card: `python -m xalign.embedded.training.card --data FOLDER --model FOLDER`.

Numbers come from `training.json`, which training wrote, and from `scores.json`, which this module writes.
"""

import argparse
import json
import logging
from pathlib import Path
from string import Template

from langcodes import Language
from transformers import AutoModel, AutoTokenizer

from xalign.embedded.training.evaluate import RetrievalScores, flores_texts, retrieval_scores

logger = logging.getLogger(__name__)
TEMPLATE = Path(__file__).with_name("card.md")
SOURCE_NAMES = {
    "flores": "FLORES-200, `train` split of SIB-200, 205 languages (CC BY-SA 4.0)",
    "tatoeba": "Tatoeba, the bitexts of LASER, 112 languages with English (CC BY 2.0 FR)",
    "questions": "XQuAD, questions, 12 languages (CC BY-SA 4.0)",
    "paragraphs": "XQuAD, sentences of the paragraphs, 12 languages (CC BY-SA 4.0)",
    "nusax": "NusaX, 12 languages (CC BY-SA 4.0)",
    "instructions": "MIDB and AlpacaEval, machine-translated instructions and answers, 16 languages (Apache-2.0)",
}


def score_model(model: Path, data: Path) -> dict:
    """Score a model folder on FLORES: the layer is chosen on `dev`, then used on `test`.

    Args:
        model: Folder that `AutoModel` loads.
        data: Holds `flores200`.

    Returns:
        What `scores.json` holds: the layer, and for both splits P@1 by layer and by language at that layer.
    """
    encoder = AutoModel.from_pretrained(model)
    tokenizer = AutoTokenizer.from_pretrained(model)
    splits = {
        split: retrieval_scores(encoder, tokenizer, flores_texts(data / "flores200", (split,)))
        for split in ("dev", "test")
    }
    layer = splits["dev"].best_layer
    return {"layer": layer} | {split: _as_json(scores, layer) for split, scores in splits.items()}


def _as_json(scores: RetrievalScores, layer: int) -> dict:
    by_language = {
        language: {"from_english": forward, "to_english": backward, "mean": (forward + backward) / 2}
        for language, forward, backward in zip(
            scores.languages, scores.from_english[layer].tolist(), scores.to_english[layer].tolist(), strict=True
        )
    }
    return {"n": scores.n, "by_layer": scores.mean.mean(axis=1).tolist(), "by_language": by_language}


def write_card(model: Path) -> None:
    """Fill the card's template from `training.json` and `scores.json` in the model folder."""
    training = json.loads((model / "training.json").read_text(encoding="utf-8"))
    scores = json.loads((model / "scores.json").read_text(encoding="utf-8"))
    means = {split: _mean(scores[split]) for split in ("dev", "test")}
    least = min(scores["test"]["by_language"].items(), key=lambda item: item[1]["mean"])
    content = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        training["recipe"],
        layer=scores["layer"],
        mean=f"{means['test']:.3f}",
        dev_mean=f"{means['dev']:.3f}",
        least=f"{least[1]['mean']:.3f}",
        least_language=_name(least[0]),
        shares=", ".join(f"{source} {share}" for source, share in training["recipe"]["source_share"].items()),
        source_rows=_source_rows(training),
        language_rows=_language_rows(scores),
        layer_rows=_layer_rows(scores),
        language_codes="\n".join(f"- {code}" for code in _language_codes(scores)),
        n_excluded=sum(training["excluded"].values()),
        sentences_seen=f"{training['sentences_seen']:,}",
        minutes=round(sum(entry["seconds"] for entry in training["log"]) / 60),
        megabytes=f"{sum(path.stat().st_size for path in model.iterdir() if path.name != 'README.md') / 1e6:.1f}",
        versions=", ".join(f"{name} {number}" for name, number in training["versions"].items()),
    )
    (model / "README.md").write_text(content, encoding="utf-8")


def _mean(scores: dict) -> float:
    return sum(entry["mean"] for entry in scores["by_language"].values()) / len(scores["by_language"])


def _name(code: str) -> str:
    return _language(code).display_name()


def _language(code: str) -> Language:
    """The language as most people name it: Arabic and Swahili rather than one of their standards."""
    return Language.get(code.split("_")[0]).prefer_macrolanguage()


def _language_codes(scores: dict) -> list[str]:
    codes = ["eng_Latn", *scores["test"]["by_language"]]
    return sorted({_language(code).to_tag() for code in codes})


def _source_rows(training: dict) -> str:
    rows = [
        f"| {SOURCE_NAMES[source]} | {count:,} | {training['excluded'].get(source, 0)} |"
        for source, count in training["sentences"].items()
    ]
    return "\n".join(rows)


def _language_rows(scores: dict) -> str:
    rows = []
    for code, entry in sorted(scores["test"]["by_language"].items(), key=lambda item: -item[1]["mean"]):
        dev = scores["dev"]["by_language"][code]["mean"]
        values = " | ".join(f"{entry[key]:.3f}" for key in ("from_english", "to_english", "mean"))
        rows.append(f"| {_name(code)} | `{code}` | {values} | {dev:.3f} |")
    return "\n".join(rows)


def _layer_rows(scores: dict) -> str:
    pairs = zip(scores["dev"]["by_layer"], scores["test"]["by_layer"], strict=True)
    return "\n".join(f"| {layer} | {dev:.3f} | {test:.3f} |" for layer, (dev, test) in enumerate(pairs))


def main() -> None:
    """Read the arguments, score the model, write `scores.json` and `README.md` into its folder."""
    parser = argparse.ArgumentParser(prog="python -m xalign.embedded.training.card", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="holds flores200")
    parser.add_argument("--model", type=Path, required=True, help="the model folder")
    arguments = parser.parse_args()
    scores = score_model(arguments.model, arguments.data)
    (arguments.model / "scores.json").write_text(json.dumps(scores, indent=1) + "\n", encoding="utf-8")
    write_card(arguments.model)


if __name__ == "__main__":
    main()
