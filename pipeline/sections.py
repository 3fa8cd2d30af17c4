"""The pipeline's own sections of the configuration; pydantic models that import no worker."""

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator

from features.times import DAY, MINUTE, SECOND, Duration, duration_microseconds
from models.options import StudyForm
from pipeline.bundle.bundle_terms import FEWEST, SIGNING_KEY
from pipeline.storage.addresses import CREDENTIALS, holds_password
from pipeline.storage.errors import InputError
from pipeline.storage.secret_rules import checked_variable


class AblationConfig(BaseModel):
    """Which techniques of the guide are compared beside the sweep ([ablation])."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(default=False, description="train every technique alone and in pairs, and table them")
    smoothing: float = Field(0.1, gt=0, lt=1, description="ε of the arms with label smoothing")
    gamma: float = Field(2.0, gt=0, le=100, description="exponent of the arms with focal loss")
    mixup: float = Field(0.2, gt=0, le=1_000, description="α of the arms with mixup")
    label_noise: tuple[Annotated[float, Field(ge=0, le=1)], ...] = Field(
        (0.0, 0.01, 0.05),
        max_length=100,
        description="shares of training labels flipped, each trained at every ε of the sweep",
    )
    encoder_leak: bool = Field(
        default=False, description="fit the booster with every form of the shared encoder, and table what each brings"
    )
    forms: tuple[StudyForm, ...] = Field(
        get_args(StudyForm),
        description="what the booster may see of the encoder, in the arms that encoder_leak compares",
    )
    planted_values: int = Field(
        10_000,
        ge=0,
        le=10_000_000,
        description="values of an id without signal that encoder_leak plants; 0 plants none",
    )


ADDRESSES = tuple(f"{scheme}://" for scheme in (*CREDENTIALS, "file"))


class RunsConfig(BaseModel):
    """Which run folders a scheduled job keeps ([runs])."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    keep: int = Field(
        30, ge=1, le=1_000_000, description="newest run folders of a configuration that `harbor retrain` keeps"
    )
    store: str = Field(
        "", description="`s3://`, `gs://` or `file://` folder that keeps every run too, each under its name"
    )

    @field_validator("store")
    @classmethod
    def _address(cls, store: str) -> str:
        if store and holds_password(store):
            raise InputError("must not hold a secret: credentials are taken from the environment")
        if store and not store.startswith(ADDRESSES):
            raise InputError(f"must be empty or an address that begins with {', '.join(ADDRESSES)}")
        return store.rstrip("/")


SIMULATE = "simulate"
CANDIDATES = ("logistic", "mlp", "xgboost", "hybrid", "mlp_unsmoothed")
"""What is judged, in the order of the tables, and may be shipped."""


class DataConfig(BaseModel):
    """Section [data]: where transactions come from and how they are read."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    source: str | tuple[str, ...] = Field(
        SIMULATE,
        description="`simulate`, a CSV or Parquet file, a pattern, or a list of these; local, `s3://` or `gs://`; or "
        "a table, `delta://PATH@version` or `iceberg://catalog/namespace.table@snapshot`, of which each run pins the "
        "newest version where none is named",
    )
    preset: str = Field("harbor", description="column mapping: a shipped name or the path of a preset file")
    categorical: tuple[str, ...] = Field((), description="further source columns to use as categories")
    numeric: tuple[str, ...] = Field((), description="further source columns to use as numbers")
    rows: Annotated[int, Field(gt=0, le=10**9)] = Field(300_000, description="how many transactions to simulate")
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = Field(7, description="seed of the simulation")
    hash_key_env: str | None = Field(
        None, description="environment variable with the secret under which card ids are hashed"
    )
    max_quarantined_share: Annotated[float, Field(ge=0, le=1)] = Field(
        0.1, description="share of bad rows above which the job stops; below it they are set aside with their reasons"
    )

    max_lost_fraud_share: Annotated[float, Field(ge=0, le=1)] = Field(
        0.01,
        description="share of the frauds that may be set aside with bad rows; above it, and above one fraud, the job "
        "stops; a label that cannot be read counts as one",
    )

    max_silence: Duration | None = Field(
        None, description="longest time without a row, up to as-of, that the job goes on with; unset: it only warns"
    )

    @field_validator("source")
    @classmethod
    def _without_password(cls, source: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if any(holds_password(each) for each in ([source] if isinstance(source, str) else source)):
            raise InputError("must not hold a secret: a store's credentials are taken from the environment")
        return source

    @field_validator("hash_key_env")
    @classmethod
    def _variable(cls, name: str | None) -> str | None:
        return None if name is None else checked_variable(name)


class RegistryConfig(BaseModel):
    """Where models are promoted ([registry])."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field("harbor-fraud", pattern="^[A-Za-z0-9_-]+$", description="MLflow registered model")
    actor: str = Field("harbor", description="who promotes, as the ledger shall say")


class RefitConfig(BaseModel):
    """How the judged recipe is fitted anew on the newest rows before it ships ([refit])."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(default=True, description="false ships the very model that was judged, as old as it is then")
    until: Literal["known", "matured"] = Field(
        "known",
        description="where the rows of the refit end: at the moment of the run with every label known then (known), or "
        "`labels.delay` earlier (matured)",
    )
    window: str = Field(
        "train", description="length of the rows of the refit: `train` for that of the fold, or a duration"
    )
    blocks: int = Field(
        4, ge=2, le=1_000, description="newest blocks of time that the recipe is scored on as it would have shipped"
    )
    block: Duration = Field(7 * DAY, gt=0, description="length of a block")
    max_weight: float = Field(
        2.0,
        ge=1,
        le=1e6,
        description="how many rows of its class a row may stand for whose like is not yet labelled; ages at which it "
        "would stand for more are left out",
    )
    margin: float = Field(
        0.02,
        ge=0,
        le=1e6,
        description="share of the judged model's log loss by which the recipe as it would have shipped may lose to it: "
        "held back where it is shown to be worse, and by more",
    )
    min_frauds: int = Field(
        100,
        ge=1,
        le=10**9,
        description="frauds that the rows of the refit, and those its maps are fitted on, must hold each",
    )
    map_half_life: str = Field(
        "", description="age at which a row counts half in the maps of the refit; empty counts all alike"
    )

    @field_validator("window")
    @classmethod
    def _train_or_duration(cls, window: str) -> str:
        if window != "train":
            duration_microseconds(window)
        return window

    @field_validator("map_half_life")
    @classmethod
    def _empty_or_duration(cls, half_life: str) -> str:
        if half_life and duration_microseconds(half_life) == 0:
            raise InputError("must be empty or longer than nothing")
        return half_life


class ExportConfig(BaseModel):
    """What is exported ([export])."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    candidate: Literal["logistic", "mlp", "xgboost", "hybrid", "mlp_unsmoothed"] = Field(
        "hybrid", description="the candidate that `probability` is"
    )
    golden_rows: int = Field(
        64, ge=FEWEST, le=100_000, description="rows with known probability that `harbor verify` replays"
    )
    flipped_rows: float = Field(
        1e-4, ge=0, le=1, description="largest share of rows whose trees may flip between the graph and the Python path"
    )
    sign_key_env: str = Field(
        SIGNING_KEY,
        description="environment variable with the key that signs the manifest: `ed25519-private:` and 64 hexadecimal "
        "digits (`ed25519-public:` for those who only verify), or any secret (HMAC); one named here must be set",
    )
    max_bytes: int = Field(1 << 30, ge=1, le=1 << 40, description="largest size of a bundle in bytes")
    triton: bool = Field(default=False, description="also lay the graph out as a Triton model repository")
    state: bool = Field(
        default=True,
        description="leave the windows of all groups beside the bundle, as raw transactions need them to be scored; "
        "false where features.include_current or columns that read other groups cannot be served",
    )

    @field_validator("sign_key_env")
    @classmethod
    def _variable(cls, name: str) -> str:
        return checked_variable(name)


class TrackingConfig(BaseModel):
    """Where runs are logged."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    enabled: bool = Field(default=True, description="false keeps the journal and sends nothing")
    uri: str = Field(default="", description="MLflow tracking URI; empty is sqlite beside the run folders")
    experiment: str = Field(default="harbor", description="MLflow experiment of the project")
    timeout: int = Field(default=5, ge=1, le=3_600, description="seconds one request to an MLflow server may take")
    patience: float = Field(
        default=20.0,
        gt=0,
        le=86_400,
        description="seconds a stage waits for MLflow at most; what is left is sent later",
    )

    @field_validator("uri")
    @classmethod
    def _without_password(cls, uri: str) -> str:
        if holds_password(uri):
            raise InputError(
                "must not hold a secret, which would end up in config.json: set MLFLOW_TRACKING_USERNAME and "
                "MLFLOW_TRACKING_PASSWORD (for a database its own means, such as PGPASSWORD)"
            )
        return uri


class NotifyConfig(BaseModel):
    """Who is told that the champion changed, or that a deployed model is no longer what was shipped ([notify])."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    webhook: str = Field("", description="`https://` or `http://` address that gets each notice as JSON; empty: none")
    webhook_env: str = Field(
        "HARBOR_WEBHOOK",
        description="environment variable with that address, for one that is a secret itself; it wins if it is set",
    )
    sign_key_env: str = Field(
        "HARBOR_WEBHOOK_KEY",
        description="environment variable whose text signs the notices (HMAC-SHA256 of time and body), if it is set",
    )
    command: tuple[str, ...] = Field(
        (), description="program and arguments that get each notice on standard input; no shell reads them"
    )
    attempts: int = Field(
        4, ge=1, le=100, description="how often a notice is sent before it is given up, each time later"
    )
    timeout: float = Field(5.0, gt=0, le=3_600, description="seconds that one attempt may take")
    patience: float = Field(
        20.0,
        gt=0,
        le=86_400,
        description="seconds that a command waits at its end for its notices; it never fails for them",
    )

    @field_validator("webhook")
    @classmethod
    def _web_address(cls, webhook: str) -> str:
        if webhook and holds_password(webhook):
            raise InputError("must not hold a password: give the address in the variable that webhook_env names")
        if webhook and not webhook.startswith(("https://", "http://")):
            raise InputError("must be empty or an address that begins with https:// or http://")
        return webhook


class ServeConfig(BaseModel):
    """How `harbor serve` answers ([serve])."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    threshold: str = Field(
        "", description="operating point that decides where a request names none; empty: the one that the bundle ships"
    )
    in_flight: int = Field(
        256, ge=1, le=1_000_000, description="requests under way above which the next one is answered 429"
    )
    budget_ms: float | None = Field(
        None,
        gt=0,
        le=3_600_000,
        description="wait after which a row is counted and not scored (503 and the fallback); unset: none is",
    )
    fallback: str = Field("review", min_length=1, max_length=64, description="decision of a row that is not scored")
    durability: Literal["os", "disk"] = Field(
        "os", description="an answered event outlives the process (os) or a loss of power too (disk)"
    )
    ahead: Duration = Field(
        5 * MINUTE, description="how far ahead of the clock (and of the newest row) a row may be: more is refused"
    )
    tokens: str = Field(
        "", description="file of `scope sha256` lines (score, label, read); empty: nobody is asked, on loopback alone"
    )
    card_numbers: Literal["refuse", "allow"] = Field(
        "refuse", description="what becomes of a field that holds a card number; hashed card ids may be such"
    )
    audit_every: int = Field(
        1000, ge=0, le=10**9, description="of how many rows one is asked of the batch functions too; 0 for none"
    )
    reasons: Literal["quick", "exact"] = Field(
        "quick",
        description="effects in an answer: what the score loses without a group (quick), or Shapley values (exact, as "
        "harbor explain)",
    )
    follow: str = Field(
        "", pattern="^[A-Za-z0-9_-]*$", description="alias of the registry whose bundle answers; empty follows none"
    )
    poll: Duration = Field(10 * SECOND, gt=0, description="how often the alias is looked at")
    challenger: str = Field("", description="bundle that scores the same rows into shadow/, and decides nothing")
