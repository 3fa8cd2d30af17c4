"""Names in the configuration held against the preset before any work: what means nothing, and what Harbor uses itself.

An hour of windows is a dear way to learn that `features.entities` was mistyped, and a column of the user's that is
called like one of Harbor's own would take its place in a table or a graph without a word.
"""

from collections.abc import Iterator

from features.errors import InputError as FeaturesInputError
from features.schema.preset import CANONICAL, Preset
from features.suggestions import did_you_mean
from features.windows.spec import FeatureSpec, feature_spec
from pipeline.config import Config
from pipeline.sections import CANDIDATES
from pipeline.stages.ingest.preset_files import load_preset
from pipeline.storage.errors import InputError, faults_text

OWN = (*CANONICAL, *CANDIDATES, "fold", "label_weight", "weight", "probability", "blocked", "new_card", "compromised")
"""Columns of Harbor's own tables and graphs beside features: a user's column under such a name would replace one."""


def check_names(config: Config) -> None:
    """Refuse names that cannot mean what they were written for.

    Raises:
        InputError: no such preset, or faults in it; entities that it does not have, columns called like Harbor's own or
            like one another, monotone columns that are none; every fault, with the name that may have been meant.
    """
    preset = load_preset(config.data)
    spec = _possible_features(config, preset)
    faults = [*_own_name_faults(preset), *config.features.entity_faults(preset.entities)]
    faults += [spec] if isinstance(spec, str) else [*_monotone_faults(config, spec)]
    if faults:
        raise InputError(faults_text(faults, f"names, with data.preset {config.data.preset!r}"))


def _own_name_faults(preset: Preset) -> Iterator[str]:
    """Columns of the preset or of [data] under a name that Harbor uses itself."""
    named = [name for name, _ in preset.extras()]
    named += [preset.amount.refund] if preset.amount.refund else []
    for name in named:
        if name in OWN:
            yield f"{name!r} is a column of Harbor's own: give yours another name (names = [...] in the preset)"
        elif not name.strip() or not name.isprintable():
            yield f"{name!r}: a column's name must have letters and nothing that cannot be printed"


def _possible_features(config: Config, preset: Preset) -> FeatureSpec | str:
    """The features that this preset can give where the feed has every column; in words, why there are none."""
    refund = [preset.amount.refund] if preset.amount.refund else []
    categorical = [name for group in preset.categorical for name, _ in group.resolved()] + refund
    numeric = [name for group in preset.numeric for name, _ in group.resolved()]
    try:
        return feature_spec(
            config.features,
            columns=[*CANONICAL, *preset.entities, *categorical, *numeric],
            categorical=categorical,
            numeric=numeric,
            amount_scale=preset.amount.scale,
        )
    except FeaturesInputError as error:
        return str(error)


def _monotone_faults(config: Config, spec: FeatureSpec) -> Iterator[str]:
    for name in config.boosting.monotone:
        if name in spec.categorical:
            yield f"boosting.monotone: {name!r} is a category, which has no order"
        elif name not in spec.names and "=" not in name:
            yield f"boosting.monotone: {name!r} is no numeric column{did_you_mean(name, spec.numeric)}"
