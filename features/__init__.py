"""Rows to arrays: canonical transactions, point-in-time features, time folds and the fitted encoder."""

from features.encode import Encoder, EncodingConfig, Matrix, fit_encoder
from features.lengths import FOLDS, LabelsConfig, SplitConfig
from features.scaling import NumericScaling
from features.selection import FeaturesConfig
from features.spec import FeatureColumn, FeatureSpec, feature_spec
from features.split import Fold, Folds, time_folds
from features.vocabulary import Vocabulary
from features.windows import window_features

__all__ = [
    "FOLDS",
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
    "SplitConfig",
    "Vocabulary",
    "feature_spec",
    "fit_encoder",
    "time_folds",
    "window_features",
]
