"""Rows to arrays: canonical transactions, point-in-time features, time folds and the fitted encoder."""

from features.encode import Encoder, EncodingConfig, Matrix, fit_encoder
from features.lengths import FOLDS, LabelsConfig, SplitConfig
from features.preset import Preset, preset_from_dict
from features.reading import Reading
from features.scaling import NumericScaling
from features.schema import CanonicalBatch, canonical_batch
from features.selection import FeaturesConfig
from features.simulate import Simulation, simulate_transactions
from features.spec import FeatureColumn, FeatureSpec, feature_spec
from features.split import Fold, Folds, time_folds
from features.vocabulary import Vocabulary
from features.windows import window_features

__all__ = [
    "FOLDS",
    "CanonicalBatch",
    "Encoder",
    "EncodingConfig",
    "FeatureColumn",
    "FeatureSpec",
    "FeaturesConfig",
    "Fold",
    "Folds",
    "LabelsConfig",
    "Matrix",
    "NumericScaling",
    "Preset",
    "Reading",
    "Simulation",
    "SplitConfig",
    "Vocabulary",
    "canonical_batch",
    "feature_spec",
    "fit_encoder",
    "preset_from_dict",
    "simulate_transactions",
    "time_folds",
    "window_features",
]
