"""The one look at the test fold: every candidate judged, the report, the model card, the shadow slice."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from evaluation.render.card import model_card
from evaluation.render.figures import pictures
from evaluation.render.page import report_html
from evaluation.report.ablation_section import ablation_section, noise_section
from evaluation.report.cells import plain
from evaluation.report.drift_section import drift_metrics
from evaluation.report.evaluation_report import build_report
from evaluation.report.evidence import CalibRows, Evidence, Note
from evaluation.report.operating_points import Outcomes, threshold_points
from evaluation.selection import rank_sweep
from evaluation.statistics.intervals import cluster_codes
from evaluation.statistics.populations import JudgedRows
from models.calibration import bounded_probability, calibrator_from_dict
from pipeline.ablation import PLAIN, judged_arm, noise_cell, read_recipes
from pipeline.candidates import (
    Models,
    RawScores,
    calibrated_probabilities,
    comparison_logits,
    load_calibration,
    load_models,
    raw_scores,
)
from pipeline.champion import ChampionRows, champion_rows
from pipeline.drift import drift_report
from pipeline.facts import report_facts, report_notes
from pipeline.looks import earlier_looks
from pipeline.process.hardware import cpu_threads
from pipeline.sections import ExportConfig
from pipeline.stage import StageContext
from pipeline.storage.atomic import write_bytes, write_text
from pipeline.storage.content import read_json, read_table, write_json, write_table
from pipeline.sweep_outcomes import ValidOutcomes, read_outcomes
from pipeline.verdict_log import log_verdict

SHADOW_SHARE = 10
GROUPING_SIZE = 100


def make_evaluation(context: StageContext) -> str:
    """Write scores.parquet, shadow.parquet, report.json, report.html, model_card.md and the reliability diagrams."""
    config = context.config
    models = load_models(context.run, posterior_floor=config.calibration.posterior_floor)
    table = context.features("test")
    scores = raw_scores(models, models.encoder.apply(table), threads=cpu_threads(config.train.threads))
    calibration = load_calibration(context.run)
    candidates = calibrated_probabilities(calibration, scores.log_odds)
    details = row_details(context, "test")
    context.reporter.progress(1, 4, f"{table.num_rows:,} test rows scored")
    score_table = scored_rows_table(table, details, candidates)
    write_table(context.out / "scores.parquet", score_table)
    champion = champion_rows(context)
    write_table(context.out / "shadow.parquet", shadow_table(context, models, table, scores, candidates, champion))
    evidence = _evidence(context, models, scores, candidates, table, details)
    if champion is not None:
        evidence = replace(evidence, champion=champion.test)
    evidence = replace(evidence, drift=drift_report(context, evidence, models, _valid_outcomes(context)))
    write_json(context.out / "thresholds.json", _thresholds(evidence, config.export))
    context.reporter.progress(2, 4, f"{config.evaluation.resamples:,} resamples")
    rng = np.random.default_rng(config.train.seed)
    report = build_report(evidence, config=config.evaluation, gate=config.gate, rng=rng)
    if context.path("train", "ablation.json").is_file():
        report["ablation"] = plain(ablation_report(context, models, table, details))
    context.reporter.progress(3, 4, "report")
    _write_report(context, report)
    pictured = sorted(path.name for path in (context.out / "reliability").glob("*.png"))
    log_verdict(context.log, report, pictures=pictured)
    context.log.metrics(drift_metrics(report["drift"]))
    cells = report["candidates"][evidence.shipped]
    return (
        f"{evidence.shipped} AP {cells['average_precision']['value']:.3f}, "
        f"Brier skill {cells['brier_skill']['value']:.3f}, ECE {cells['ece']['value']:.4f}; "
        f"gate {'passed' if report['gate']['passed'] else 'refused'}"
    )


def _write_report(context: StageContext, report: Mapping[str, Any]) -> None:
    figures = pictures(report)
    write_json(context.out / "report.json", report)
    write_text(
        context.out / "report.html", report_html(report, {name: picture.svg for name, picture in figures.items()})
    )
    write_text(context.out / "model_card.md", model_card(report))
    for name, picture in figures.items():
        write_bytes(context.out / "reliability" / f"{name}.png", picture.png)


def row_details(context: StageContext, fold: str) -> pd.DataFrame:
    """Card, amount and grouping columns of a fold's rows: features and transactions share their order."""
    folds = read_table(context.path("features", "features.parquet"), columns=["fold"])["fold"]
    path = context.path("ingest", "transactions.parquet")
    ingested = read_json(context.path("ingest", "report.json"))
    present = pq.read_schema(path).names
    wanted = ["event_time", "card_id", "amount", *ingested["categorical"]]
    everything = read_table(path, columns=[name for name in wanted if name in present])
    frame = everything.filter(pc.fill_null(pc.equal(folds, fold), False)).to_pandas()
    if "card_id" in everything.column_names:
        first = everything.group_by("card_id").aggregate([("event_time", "min")]).to_pandas()
        first = first.dropna(subset=["card_id"]).set_index("card_id")["event_time_min"]
        frame["new_card"] = frame["card_id"].map(first) == frame["event_time"]
    return frame


def judged_rows(table: pa.Table, details: pd.DataFrame) -> JudgedRows:
    """Rows of a fold as the statistics want them: arrays [N], and a grouping per small categorical column."""
    has_card = "card_id" in details
    extras = [name for name in details.columns if name not in ("event_time", "card_id", "amount", "new_card")]
    return JudgedRows(
        labels=pc.fill_null(table["label"].cast(pa.float64()), np.nan).to_numpy(),
        event_time=table["event_time"].cast(pa.int64()).to_numpy(),
        amount=details["amount"].to_numpy(np.float64),
        card=pd.factorize(details["card_id"])[0].astype(np.int64) if has_card else None,
        new_card=details["new_card"].to_numpy(np.bool_) if has_card else None,
        groups={
            name: details[name].fillna("(missing)").to_numpy(str)
            for name in extras
            if details[name].nunique() <= GROUPING_SIZE
        },
    )


def scored_rows_table(table: pa.Table, details: pd.DataFrame, candidates: Mapping[str, np.ndarray]) -> pa.Table:
    """The table of scores.parquet: who, when, how much, the label, and a probability per candidate."""
    cards = pa.array(details["card_id"]) if "card_id" in details else pa.nulls(table.num_rows, pa.string())
    head = {
        "transaction_id": table["transaction_id"],
        "event_time": table["event_time"],
        "card_id": cards,
        "amount": pa.array(details["amount"]),
        "label": table["label"],
    }
    order = ("logistic", "mlp", "xgboost", "hybrid", "mlp_unsmoothed")
    return pa.table(head | {name: pa.array(candidates[name]) for name in order})


def _thresholds(evidence: Evidence, config: ExportConfig) -> dict[str, Any]:
    """Operating points of the shipped candidate, chosen on calib and described on test."""
    calib = evidence.calib
    assert calib is not None
    return threshold_points(
        _outcomes(calib.rows, calib.candidates[evidence.shipped]),
        _outcomes(evidence.rows, evidence.candidates[evidence.shipped]),
        alert_budget=config.alert_budget,
        alert_cost=config.alert_cost,
        precision_floor=config.precision_floor,
    )


def _outcomes(rows: JudgedRows, probabilities: np.ndarray) -> Outcomes:
    known = np.isfinite(rows.labels)
    return Outcomes(rows.labels[known], probabilities[known], rows.amount[known])


def _evidence(
    context: StageContext,
    models: Models,
    scores: RawScores,
    candidates: Mapping[str, np.ndarray],
    table: pa.Table,
    details: pd.DataFrame,
) -> Evidence:
    valid = _valid_outcomes(context)
    before = {name: bounded_probability(z) for name, z in scores.log_odds.items()}
    before |= {name: bounded_probability(scores.margins[name]) for name in ("mlp", "mlp_unsmoothed")}
    looks = earlier_looks(context.run, test=test_digest(table), judged=judged_digest(context))
    return Evidence(
        rows=judged_rows(table, details),
        candidates=candidates,
        ranking=rank_sweep(
            valid.labels,
            valid.outcomes,
            event_time=valid.event_time,
            folds=context.config.selection.folds,
            auc_tolerance=context.config.selection.auc_tolerance,
        ),
        shipped=context.config.export.candidate,
        before=before,
        calib=calib_judged(context),
        temperature_test=_comparison_on_test(context, models, scores),
        unsmoothed_valid=(valid.labels, valid.unsmoothed),
        notes=tuple(Note(topic, text) for topic, text in report_notes(context)),
        looks=looks,
        facts=report_facts(context, models),
        configuration=context.config.model_dump(mode="json", exclude={"tracking", "runs"}),
    )


def _valid_outcomes(context: StageContext) -> ValidOutcomes:
    return read_outcomes(
        context.path("train", "valid.parquet"),
        context.path("train", "sweep.json"),
        floor=context.config.calibration.posterior_floor,
    )


def calib_judged(context: StageContext) -> CalibRows:
    """The labelled rows of calib, with the cross-fitted probabilities of every candidate and calibrator."""
    kept = read_table(context.path("calibrate", "crossfitted.parquet"))
    every = read_table(context.path("features", "features.parquet"), columns=["fold", "label"])
    fold = every.filter(pc.fill_null(pc.equal(every["fold"], "calib"), False))
    details = row_details(context, "calib")[fold["label"].is_valid().to_numpy(zero_copy_only=False)]
    arms = {}
    for name in kept.column_names:
        epsilon, bar, calibrator = name.partition("|")
        if bar:
            arms[float(epsilon), calibrator] = kept[name].to_numpy()
    names = ("logistic", "mlp", "xgboost", "hybrid", "mlp_unsmoothed")
    return CalibRows(judged_rows(kept, details), {name: kept[name].to_numpy() for name in names}, arms)


def _comparison_on_test(
    context: StageContext, models: Models, scores: RawScores
) -> dict[tuple[float, str], np.ndarray]:
    maps = {
        (each["smoothing"], each["calibrator"]): calibrator_from_dict(each["map"])
        for each in read_json(context.path("calibrate", "calibrators.json"))["comparison"]
    }
    return {
        (epsilon, name): maps[epsilon, name].apply(logits)
        for epsilon, name, _, logits in comparison_logits(models, scores)
    }


def ablation_report(context: StageContext, models: Models, table: pa.Table, details: pd.DataFrame) -> dict[str, Any]:
    """Every technique's arm on the labelled test rows, and smoothing against label noise."""
    config = context.config
    known = table["label"].is_valid().to_numpy(zero_copy_only=False)
    rows = judged_rows(table, details).where(known)
    test = models.encoder.apply(table.filter(pa.array(known)))
    calib = context.features("calib")
    calib_rows = models.encoder.apply(calib.filter(calib["label"].is_valid()))
    arms, noise = [], {}
    for recipe, state in read_recipes(context.path("train", "ablation.json").parent):
        floor = config.calibration.posterior_floor
        arm = judged_arm(recipe, state, calib=calib_rows, test=test, floor=floor, config=config.calibration)
        cell = noise_cell(recipe)
        if cell is None:
            arms.append(arm)
        else:
            noise[cell] = arm.calibrated
    clusters = cluster_codes(rows.card, rows.event_time, by=config.evaluation.cluster)
    settings = config.evaluation.bootstrap()
    first, second = (np.random.default_rng([config.train.seed, place]) for place in (2, 5))
    section = ablation_section(rows.labels, arms, reference=PLAIN, clusters=clusters, rng=first, settings=settings)
    noisy = noise_section(rows.labels, noise, clusters=clusters, rng=second, settings=settings)
    return {**section, "label_noise": noisy}


def shadow_table(
    context: StageContext,
    models: Models,
    test: pa.Table,
    scores: RawScores,
    candidates: Mapping[str, np.ndarray],
    champion: ChampionRows | None,
) -> pa.Table:
    """Probabilities of ε = 0, the best ε > 0 and the champion on rows nobody has judged yet, or on a tenth of test."""
    after = context.features_after("test")
    if after.num_rows:
        scores = raw_scores(models, models.encoder.apply(after), threads=cpu_threads(context.config.train.threads))
        candidates = calibrated_probabilities(load_calibration(context.run), scores.log_odds)
        table, keep = after, np.ones(after.num_rows, np.bool_)
    else:
        table, keep = test, _hashed_tenth(test["transaction_id"])
    columns = {
        "transaction_id": table["transaction_id"],
        "event_time": table["event_time"],
        "unsmoothed": pa.array(bounded_probability(scores.inverted["mlp_unsmoothed"])),
        "smoothed": pa.array(bounded_probability(scores.inverted.get("mlp_smoothed", scores.inverted["mlp"]))),
        context.config.export.candidate: pa.array(candidates[context.config.export.candidate]),
    }
    if champion is not None:
        theirs = champion.later if after.num_rows else champion.test.probabilities
        columns["champion"] = pa.array(theirs, from_pandas=True)
    return pa.table(columns).filter(pa.array(keep))


def _hashed_tenth(ids: pa.ChunkedArray) -> np.ndarray:
    digests = (hashlib.blake2b(str(each).encode(), digest_size=4).digest() for each in ids.to_pylist())
    return np.fromiter((int.from_bytes(d, "big") % SHADOW_SHARE == 0 for d in digests), np.bool_, len(ids))


def test_digest(table: pa.Table) -> str:
    """What the test data are: ids and labels."""
    digest = hashlib.sha256()
    for name in ("transaction_id", "label"):
        values = pd.util.hash_array(table[name].to_pandas().to_numpy(object, na_value="")).tobytes()
        digest.update(values)
    return digest.hexdigest()[:16]


def judged_digest(context: StageContext) -> str:
    """What the judged models are: networks, booster and calibrators."""
    names = [("train", "network.safetensors"), ("train", "booster.ubj"), ("calibrate", "calibrators.json")]
    digest = hashlib.sha256()
    for stage, name in names:
        digest.update(context.path(stage, name).read_bytes())
    return digest.hexdigest()[:16]
