"""The sections of the configuration that models read: what may be asked, its default, and what is refused.

This file imports pydantic and no worker, so that reading a configuration loads no torch, xgboost or scikit-learn.
"""

from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from models.errors import InputError

Weighting = Literal["example", "column"]
Convention = Literal["uniform", "non_target", "prior"]
ClassWeight = Literal["none", "sqrt", "balanced"]
NumericForm = Literal["piecewise", "scaled", "both"]
Method = Literal["none", "temperature", "affine", "beta", "isotonic"]
EmbeddingForm = Literal["none", "logit", "out_of_time", "aligned", "aligned_logit"]
"""What a booster that ships may see of the shared encoder."""
StudyForm = Literal[
    "none",
    "same_rows",
    "later",
    "missing_earlier",
    "prequential",
    "pca",
    "logit",
    "out_of_time",
    "aligned",
    "aligned_logit",
]
"""What a booster of the study `ablation.encoder_leak` may see of it: those that ship, and those that lost to them."""

CLASSES = 2


class SweepConfig(BaseModel):
    """Which losses the head is tried with: every class weight at every label smoothing, ranked on valid ([sweep])."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    smoothing: tuple[float, ...] = Field(
        (0.0, 0.05, 0.1, 0.15, 0.2), min_length=1, max_length=100, description="label smoothing ε tried"
    )
    class_weight: tuple[ClassWeight, ...] = Field(
        ("none", "sqrt", "balanced"), min_length=1, description="class weights tried: none, sqrt, balanced"
    )
    weighting: Weighting = Field(
        "example", description="weigh a row by its class (example) or the target's columns (column)"
    )
    convention: Convention = Field(
        "uniform", description="what ε pulls towards: uniform (torch), non_target, or prior (train's fraud rate)"
    )
    gamma: float = Field(0.0, ge=0, le=100, description="focal exponent of every setting; 0 is plain cross-entropy")
    repeats: int = Field(1, ge=1, le=1_000, description="initial weights tried for each setting; repeat 0 ships")
    mode: Literal["full", "recheck", "race"] = Field(
        "full",
        description="full grid; race: the grid without what valid rules out on the way; or recheck: the champion's "
        "setting, its neighbours and ε = 0, and a race of the grid where the optimum moved",
    )
    recheck_margin: float = Field(
        0.05,
        ge=0,
        lt=1,
        description="share of the log loss by which another setting must lead for the optimum to have moved",
    )
    recheck_epochs: int = Field(
        4,
        ge=0,
        le=100_000,
        description="epochs of a recheck that goes on from the champion's networks; 0 takes fresh weights",
    )

    @model_validator(mode="after")
    def _smoothing_below_one(self) -> "SweepConfig":
        wrong = [value for value in self.smoothing if not 0 <= torch_smoothing(value, self.convention) < 1]
        if wrong:
            raise InputError(f"every smoothing must be in [0, 1) in torch's sense, got {wrong} ({self.convention})")
        for name in ("smoothing", "class_weight"):
            values = getattr(self, name)
            if len(set(values)) < len(values):
                raise InputError(f"{name} must not repeat a value, got {list(values)}")
        return self


class TrainConfig(BaseModel):
    """How every network is fitted: steps, regularisation, inputs, device, threads and the seed ([train])."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: int = Field(12, ge=1, le=100_000, description="passes over train at most")
    batch_size: int = Field(2048, ge=1, le=1 << 24, description="rows of a step")
    learning_rate: float = Field(3e-3, gt=0, le=100, description="peak of the one-cycle schedule")
    weight_decay: float = Field(1e-4, ge=0, le=1_000, description="decoupled weight decay of weights (not of biases)")
    dropout: float = Field(0.1, ge=0, lt=1, description="share of embedding and hidden units left out of a step")
    clip: float = Field(1.0, gt=0, le=1e9, description="largest gradient norm of one setting")
    patience: int = Field(
        3, ge=1, le=1_000_000, description="epochs without a better valid log loss before a setting stops"
    )
    mixup: float = Field(0.0, ge=0, le=1_000, description="α of mixup's Beta(α, α); 0 is none")
    unknown_share: float = Field(
        0.05, ge=0, lt=1, description="share of category codes shown as unknown, so that unknown is learned"
    )
    numeric: NumericForm = Field("both", description="numeric inputs: piecewise (bins), scaled (signed log) or both")
    max_bins: int = Field(
        4,
        ge=1,
        le=65_536,
        description="piecewise-linear bins a numeric column at most, those above which most rows are frauds aside",
    )
    rows_per_category: int = Field(
        5_000,
        ge=1,
        le=10**9,
        description="training rows a category of a large vocabulary must have, or the column is hashed",
    )
    legitimate_share: float = Field(
        1.0,
        gt=0,
        le=1,
        description="share of train's legitimate rows that each epoch draws anew beside every fraud; log odds are set "
        "right by its logarithm",
    )
    precision: Literal["float32", "bfloat16"] = Field("float32", description="of matrix products; losses stay float32")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto takes a GPU where there is one")
    threads: int = Field(0, ge=0, le=1_024, description="CPU threads; 0 takes the physical cores")
    seed: int = Field(7, ge=0, le=2**31 - 1, description="of initial weights, batches and dropout")


class BoostingConfig(BaseModel):
    """How the booster is fitted, and what it sees beside the numeric features ([boosting])."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rounds: int = Field(1500, ge=1, le=1_000_000, description="trees at most; the valid fold stops earlier")
    learning_rate: float = Field(0.05, gt=0, le=1, description="shrinkage of a tree")
    max_depth: int = Field(6, ge=1, le=64, description="depth of a tree")
    min_child_weight: float = Field(10.0, ge=0, le=1e12, description="smallest sum of curvature in a leaf")
    subsample: float = Field(0.8, gt=0, le=1, description="share of rows each tree sees")
    colsample: float = Field(0.5, gt=0, le=1, description="share of columns each tree sees")
    reg_lambda: float = Field(5.0, ge=0, le=1e12, description="L2 penalty of leaf values")
    max_bin: int = Field(256, ge=2, le=65_536, description="histogram bins a column")
    tail_bins: int = Field(
        32,
        ge=0,
        le=65_536,
        description="of these, bins among a column's highest values, so that rare certain ones are not lost",
    )
    one_hot: int = Field(
        64,
        ge=0,
        le=65_536,
        description="a categorical column of at most so many codes is shown as a 0/1 column a code; 0 shows none",
    )
    legitimate_share: float = Field(
        1.0,
        gt=0,
        le=1,
        description="share of train's legitimate rows that trees are grown on beside every fraud; exact by an offset",
    )
    patience: int = Field(50, ge=1, le=1_000_000, description="rounds without a better valid log loss before it stops")
    monotone: dict[str, Literal[-1, 1]] = Field(
        default_factory=dict, description="columns P(fraud) may only rise (1) or fall (-1) with"
    )
    embedding: EmbeddingForm = Field(
        "out_of_time",
        description="what the booster sees of the encoder: its logit (out_of_time, logit), components of its embedding "
        "(aligned), both (aligned_logit), or none",
    )
    encoder_share: float = Field(
        0.5, gt=0, lt=1, description="earlier share of train that the booster's encoder learns from"
    )
    blocks: int = Field(
        4, ge=2, le=1_000, description="time blocks of train with forms that have networks of earlier blocks"
    )
    components: int = Field(
        8,
        ge=1,
        le=128,
        description="principal components of the embedding with the forms aligned, aligned_logit and pca",
    )
    soft_labels: bool = Field(
        default=False,
        description="learn from the head's smoothed and weighted targets, and invert them as the head does",
    )

    @model_validator(mode="after")
    def _bins_left(self) -> "BoostingConfig":
        if self.tail_bins > self.max_bin // 2:
            raise InputError(f"tail_bins must be at most half of max_bin ({self.max_bin}), got {self.tail_bins}")
        return self

    @field_validator("embedding", mode="before")
    @classmethod
    def _ships(cls, form: object) -> object:
        if form in get_args(StudyForm) and form not in get_args(EmbeddingForm):
            raise InputError(
                f"must be one of {', '.join(get_args(EmbeddingForm))}: {form} is compared with them by "
                f"ablation.encoder_leak (ablation.forms) and ships no more"
            )
        return form


class CalibrationConfig(BaseModel):
    """How margins become probabilities: the tails of an inverted loss, and the map fitted on calib ([calibration])."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Method = Field(
        "affine",
        description="map of every candidate's final probability; one without a level (none, temperature) gives way to "
        "the affine one where calib shows that it is off; the hybrid's is the affine one of its combination, of "
        "members calibrated so, or as they are where the map is isotonic",
    )
    posterior_floor: float = Field(
        1e-3,
        gt=0,
        lt=0.5,
        description="where the inverse of smoothing goes on as a tail; train's fraud rate / 50 at most",
    )
    min_positives: int = Field(
        20, ge=1, le=10**9, description="frauds in calib below which a map is fitted but called unsure"
    )
    max_temperature: float = Field(100.0, gt=1, le=1e6, description="temperatures are searched in [1 / this, this]")
    cross_fit_folds: int = Field(5, ge=2, le=1_000, description="parts of calib or valid in cross-fitted comparisons")


def torch_smoothing(smoothing: float, convention: Convention) -> float:
    """ε as a share of the target: `non_target` gives ε to the other class, which is torch's ε·K / (K − 1)."""
    return smoothing * CLASSES / (CLASSES - 1) if convention == "non_target" else smoothing
