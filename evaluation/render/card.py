"""The model card: what ships, for what, how it was judged, in Hugging Face's format, from the report alone."""

from collections.abc import Iterator, Mapping
from typing import Any

from evaluation.formatting import METRICS, NAMES, candidate_name, count, number, percent, show
from evaluation.render.foreign_text import markdown_text, yaml_text

TAGS = ("fraud-detection", "calibration", "tabular")
FRONT_METRICS = ("average_precision", "roc_auc", "brier", "log_loss", "ece")


def model_card(report: Mapping[str, Any]) -> str:
    """Markdown with front matter; every number in it is a headline metric, a count or a setting of the report.

    Args:
        report: what `build_report` returned, or the same read back from JSON, `freshness` among its keys where the
            recipe was fitted anew or might have been. Of `facts` the card prints name, as_of,
            newest_training_row and training_row_age where they are given.
    """
    parts = [_front_matter(report), _summary(report), _verdict(report)]
    parts += [_freshness(report["freshness"])] if "freshness" in report else []
    parts += [_numbers(report)]
    parts += [_making(report), _limits(report)]
    return "\n\n".join(parts) + "\n"


def _front_matter(report: Mapping[str, Any]) -> str:
    """What Hugging Face reads; no licence, for the model is its owner's."""
    name = report["facts"].get("name", "harbor")
    lines = [
        "library_name: onnx",
        "pipeline_tag: tabular-classification",
        "tags:",
        *[f"- {tag}" for tag in TAGS],
        "metrics:",
        *[f"- {metric}" for metric in FRONT_METRICS],
        "model-index:",
        f"- name: {yaml_text(f'{name}-' + report['shipped'])}",
        "  results:",
        "  - task:",
        "      type: tabular-classification",
        "      name: Card fraud probability",
        "    dataset:",
        f"      name: {yaml_text(f'{name}, test fold')}",
        f"      type: {yaml_text(name)}",
        "      split: test",
        "    metrics:",
        *_front_metrics(report["candidates"][report["shipped"]]),
    ]
    return "\n".join(["---", *lines, "---"])


def _front_metrics(statistics: Mapping[str, Any]) -> Iterator[str]:
    for metric in FRONT_METRICS:
        if statistics[metric]["value"] is not None:
            yield f"    - type: {metric}"
            yield f"      name: {METRICS[metric][0]}"
            yield f"      value: {statistics[metric]['value']!r}"


def _summary(report: Mapping[str, Any]) -> str:
    name = markdown_text(candidate_name(report["shipped"]))
    return (
        f"# Card fraud: {name}\n\n"
        "Gives the probability that a card transaction is fraud, from features known at its time. It is meant to order "
        "and price alerts for people to look into; it decides nothing by itself, and it says nothing about persons."
    )


def _verdict(report: Mapping[str, Any]) -> str:
    gate = report["gate"]
    told = zip(gate["reasons"], gate["remedies"], strict=True)
    reasons = "\n".join(f"- {markdown_text(reason + (f'. {remedy}.' if remedy else ''))}" for reason, remedy in told)
    return f"## Verdict\n\nThe gate {'passed' if gate['passed'] else 'refused'} it:\n\n{reasons}"


def _freshness(section: Mapping[str, Any]) -> str:
    lines = "\n".join(f"- {markdown_text(line)}" for line in section["lines"])
    return f"## Freshness\n\n{lines}"


def _numbers(report: Mapping[str, Any]) -> str:
    people = report["population"]
    names = [report["shipped"], *[n for n in (*NAMES, *report["candidates"]) if n in report["candidates"]]]
    names = list(dict.fromkeys(names))
    head = "| | " + " | ".join(markdown_text(candidate_name(n)) for n in names) + " |\n|---|" + "---:|" * len(names)
    rows = [
        f"| {label} | "
        + " | ".join(_with_interval(report["candidates"][n][metric], form, digits) for n in names)
        + " |"
        for metric, (label, form, digits) in METRICS.items()
    ]
    chance = " | ".join(number(report["candidates"][n]["ece_null_95"], 5) for n in names)
    rows.append(f"| ECE by chance alone, 95 % | {chance} |")
    return (
        f"## Numbers\n\nPopulation: test fold, {people['from']} to {people['to']}, {count(people['rows'])} rows, "
        f"{count(people['frauds'])} frauds, prevalence {percent(people['prevalence'], 2)}. Intervals are 95 %, from "
        f"{markdown_text(people['resampled']['text'])}\n\n{head}\n" + "\n".join(rows)
    )


def _making(report: Mapping[str, Any]) -> str:
    smoothing, facts = report["smoothing"], report["facts"]
    chosen = smoothing["selected"]
    lines = [
        f"- Label smoothing ε = {chosen['smoothing']:g}, {_convention(facts.get('smoothing', {}))}",
        f"- Class weights: {markdown_text(chosen['class_weight'])}, weighting by {markdown_text(chosen['weighting'])}",
        f"- Chosen by: {markdown_text(smoothing['rule'])}. {markdown_text(smoothing['selection'])}",
        f"- Smoothing and temperature together: {markdown_text(report['temperature']['reason'])}",
    ]
    for key, label in (
        ("as_of", "As of"),
        ("newest_training_row", "Newest training row"),
        ("training_row_age", "Age of the newest training row when judged"),
    ):
        if facts.get(key) is not None:
            lines.append(f"- {label}: {markdown_text(str(facts[key]))}")
    return "## How it was made\n\n" + "\n".join(lines)


def _convention(smoothing: Mapping[str, Any]) -> str:
    if smoothing.get("convention") == "prior":
        return f"towards the prior (targets 1 − ε·(1 − π) and ε·π with π = {smoothing['anchor']:.3g})"
    return "in torch's convention (targets 1 − ε/2 and ε/2)"


def _limits(report: Mapping[str, Any]) -> str:
    lines = [f"- {markdown_text(warning[:1].upper() + warning[1:])}." for warning in report["warnings"]]
    lines += [f"- {markdown_text(note['text'])}" for note in report["notes"]]
    lines.append(
        "- Probabilities are right for the population above. Where fraud is rarer or more common, odds must be "
        "shifted by the ratio of the prior odds first."
    )
    return "## Limits\n\n" + "\n".join(lines)


def _with_interval(statistic: Mapping[str, Any], form: str, digits: int) -> str:
    value, low, high = (show(statistic[key], form, digits) for key in ("value", "low", "high"))
    return value if statistic["low"] is None else f"{value} ({low} – {high})"
