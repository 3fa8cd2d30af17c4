"""What a scoring graph computes with, taken from the models and maps of a run."""

from collections.abc import Mapping

from pipeline.stages.artifacts.candidates import Calibration, Models
from pipeline.stages.export.graph.scoring_graph import BoosterForm, BoosterPart, GraphParts, NetworkPart

BOOSTER_FORMS: Mapping[str, BoosterForm] = {
    "none": "none",
    "logit": "logit",
    "out_of_time": "logit",
    "same_rows": "embedding",
    "later": "embedding",
    "missing_earlier": "embedding",
    "prequential": "embedding",
    "pca": "reduced",
    "aligned": "reduced",
    "aligned_logit": "logit_reduced",
}
"""How a form of the shared encoder is computed in the graph."""


def graph_parts(models: Models, calibration: Calibration, *, shipped: str) -> GraphParts:
    """The parts of the graph of a run's candidates; `shipped` is the one that `probability` is."""
    inputs = models.booster_inputs
    encoder = inputs.encoder
    return GraphParts(
        numeric=models.encoder.numeric,
        categorical=models.encoder.categorical,
        vocabularies=models.encoder.vocabularies,
        networks={
            name: NetworkPart(models.heads[name].state, models.heads[name].loss) for name in ("mlp", "mlp_unsmoothed")
        },
        boosters={
            "xgboost": BoosterPart(
                models.booster.model,
                BOOSTER_FORMS[encoder.form],
                encoder.state if encoder.form != "none" else None,
                models.booster.loss,
                inputs.plain.one_hot,
            )
        },
        baselines={"logistic": models.baseline},
        calibrators=calibration.calibrators,
        hybrids={"hybrid": calibration.hybrid},
        posterior_floor=models.posterior_floor,
        shipped=shipped,
    )
