"""The account of a refit as files and as tracking shows it; the page of the run is written again with its section."""

from collections.abc import Mapping
from typing import Any

from evaluation.render.card import model_card
from evaluation.render.figures import pictures
from evaluation.render.page import report_html
from pipeline.stages.stage import StageContext
from pipeline.storage.atomic import write_text
from pipeline.storage.content import json_ready, read_json

DOCUMENTS = ("report.html", "report.json", "model_card.md")
LOGGED = ("average_precision", "brier_skill", "log_loss", "observed_expected")


def tell_refit(context: StageContext, section: Mapping[str, Any], *, kept: int) -> str:
    """Write report.json, the page and the card, and log them; one line on what ships.

    `kept` is how many blocks were found and not fitted: it is told, and written into no file that must have the same
    bytes however often the job was killed.
    """
    context.report(section)
    whole = {**read_json(context.path("evaluate", "report.json")), "freshness": json_ready(section)}
    figures = {name: picture.svg for name, picture in pictures(whole).items()}
    write_text(context.out / "report.html", report_html(whole, figures))
    write_text(context.out / "model_card.md", model_card(whole))
    _log(context, section)
    for check in section["checks"]:
        if check["status"] == "refused":
            context.reporter.say(f"    not fitted anew on the newest rows: {check['name']}: {check['text']}")
    return headline(section, kept=kept)


def headline(section: Mapping[str, Any], *, kept: int) -> str:
    """What ships, and how old it is, in one line."""
    judged, refit = section["judged"], section["refit"]
    if section["ships"] == "judged":
        stands = " and the verdict stands" if section["reasons"] else ""
        return f"the judged model ships{stands}, {judged['age_days']:.0f} days old"
    return (
        f"the refit ships, {refit['age_days']:.0f} days old (judged {judged['age_days']:.0f}); "
        f"{len(section['blocks'])} blocks, {kept} of them of earlier nights"
    )


def _log(context: StageContext, section: Mapping[str, Any]) -> None:
    log, refit = context.log, section["refit"]
    log.run.tags({"harbor.ships": section["ships"], "harbor.fitted_until": _fitted_until(section)})
    ages = {"judged_age_days": section["judged"]["age_days"]}
    ages |= {} if refit is None else {"refit_age_days": refit["age_days"]}
    shipped = "refit" if section["ships"] == "refit" else "judged"
    log.run.metrics(
        {**ages, "shipped_age_days": section[shipped]["age_days"], "refit_ships": float(shipped == "refit")}
    )
    if section["prequential"] is not None:
        metrics = section["prequential"]["metrics"]
        ends = (("", "value"), ("_low", "low"), ("_high", "high"))
        log.run.metrics({f"prequential_{name}{end}": metrics[name][key] for name in LOGGED for end, key in ends})
    for name in DOCUMENTS:
        log.run.artifact(f"refit/{name}", folder="refit")


def _fitted_until(section: Mapping[str, Any]) -> str:
    return str(section["refit" if section["ships"] == "refit" else "judged"]["fitted_until"])
