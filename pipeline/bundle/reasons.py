"""Why a payment was flagged: what each group of columns adds to the log odds that the served graph gives.

A group's effect is its Shapley value (Shapley, 1953) in the game whose worth v(S) is the mean, over reference rows, of
the served output's log odds with the columns of S from the payment and all others from the reference. It asks nothing
of the graph but answers, so it covers every layer that stands in it; base and effects sum to the served log odds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.bundle.manifest import CheckedBundle
from pipeline.bundle.reason_file import ReasonGroup, ReasonTexts, read_reasons, references_digest
from pipeline.bundle.scorer import Scorer
from pipeline.bundle.shapley import coalitions, shapley_values
from pipeline.bundle.signature import Signature
from pipeline.storage.errors import InputError

REASONS = "reasons.json"
SERVED = "probability"
"""The output that a service decides by."""
USUAL_REFERENCES = 8
"""References of the exact form, unless another number is asked for; a service asks one row, their medians."""
EVEN = 1e-6
"""Effects, in log odds, that differ by less than their float sums may are a tie."""
SURE = 1e-15
"""Probabilities nearer to 0 or 1 than doubles can tell have the log odds of this one."""

Texts = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Reason:
    """What one group of columns added to a payment's score.

    Attributes:
        code: of the group.
        text: a sentence, with the payment's own numbers.
        effect: in log odds; the reasons' are above 0.
        counterfactual: a sentence: what the probability would be, were this group as in the references.
        value: the number that the sentence shows; None where it shows none or that is missing.
        usual: what it usually is.
    """

    code: str
    text: str
    effect: float
    counterfactual: str
    value: float | None
    usual: float | None


@dataclass(frozen=True)
class Effects:
    """What all groups add, in the order of the groups.

    Attributes:
        base: log odds of the references.
        log_odds: of the payment, as served.
        effects: in log odds [G]; base and these sum to log_odds.
        without: probability of the payment with each group as in the references, mean over their log odds [G].
    """

    base: float
    log_odds: float
    effects: NDArray[np.float64]
    without: NDArray[np.float64]

    @property
    def probability(self) -> float:
        """Of the payment, as served."""
        return float(_probability(np.float64(self.log_odds)))


@dataclass(frozen=True)
class References:
    """Rows that payments are compared with: numbers [R, F], texts by column [R]."""

    numbers: NDArray[np.float32]
    texts: Texts


@dataclass(frozen=True)
class _Game:
    """A payment against one reference: its players are the groups that differ.

    Attributes:
        players: places of the groups that differ.
        among: which groups each coalition has from the payment [C, G].
    """

    players: NDArray[np.intp]
    among: NDArray[np.bool_]

    @classmethod
    def of(cls, moved: NDArray[np.bool_]) -> Self:
        """The game of groups that differ where `moved` says so [G]."""
        players = np.flatnonzero(moved)
        members = coalitions(len(players))
        among = np.zeros((len(members), len(moved)), np.bool_)
        among[:, players] = members
        return cls(players, among)

    def effects(self, worth: NDArray[np.float64]) -> NDArray[np.float64]:
        """What each group adds [G]."""
        effects = np.zeros(self.among.shape[1])
        effects[self.players] = shapley_values(worth)
        return effects

    def without(self, worth: NDArray[np.float64]) -> NDArray[np.float64]:
        """What all but one are worth, for each group [G]."""
        without = np.full(self.among.shape[1], worth[-1])
        without[self.players] = worth[len(worth) - 1 - (1 << np.arange(len(self.players)))]
        return without


@dataclass(frozen=True)
class _Row:
    """One payment's values by column."""

    numbers: NDArray[np.float32]
    places: Mapping[str, int]
    texts: Texts

    def number(self, name: str) -> float:
        return float(self.numbers[self.places[name]])

    def shown(self, name: str) -> str:
        """A value among the details of a sentence, "" where it is missing."""
        if name in self.places:
            return "" if np.isnan(self.number(name)) else f"{self.number(name):,.6g}"
        return str(self.texts[name][0, 0])


@dataclass(frozen=True)
class Reasons:
    """The groups of a bundle and its reference rows, to explain what its graph says.

    Attributes:
        signature: of the graph.
        words: groups with their sentences, and how many reasons are given.
        numbers: of the references, the most ordinary first, NaN where missing [R, F].
        texts: likewise of the categorical columns, "" where missing [R].
    """

    signature: Signature
    words: ReasonTexts
    numbers: NDArray[np.float32]
    texts: Texts

    @property
    def groups(self) -> tuple[ReasonGroup, ...]:
        """In order of their codes."""
        return self.words.groups

    def of(
        self, numbers: NDArray[np.float32], texts: Texts, scorer: Scorer, output: str, *, references: int = 1
    ) -> list[Reason]:
        """The reasons for a payment's score, the strongest first; groups that hardly raised it are none.

        Args:
            numbers: its numeric columns in the signature's order, NaN where missing [1, F].
            texts: its categorical ones, "" where missing [1, 1].
            scorer: of the bundle's graph, which is asked once.
            output: what of the graph is explained.
            references: rows to compare with; 1 is their medians.

        Raises:
            InputError: the graph fails, or there are fewer references.
        """
        found = self.effects(numbers, texts, scorer, output, references=references)
        return [self.reason(place, found, numbers, texts) for place in self.ranked(found.effects)]

    def effects(
        self, numbers: NDArray[np.float32], texts: Texts, scorer: Scorer, output: str, *, references: int
    ) -> Effects:
        """What every group adds; arguments and errors as of `of`.

        A group that is in each column as a reference adds nothing to it, whatever the graph: it is no player then. And
        what groups add to several references is the mean of what they add to each.
        """
        compared = self._compared(references)
        games = [_Game.of(moved) for moved in self._moved(numbers, texts, compared)]
        found = np.split(
            self._worth(games, numbers, texts, compared, scorer=scorer, output=output),
            np.cumsum([len(game.among) for game in games])[:-1],
        )
        pairs = list(zip(games, found, strict=True))
        effects = np.mean([game.effects(worth) for game, worth in pairs], axis=0)
        without = np.mean([game.without(worth) for game, worth in pairs], axis=0)
        base, log_odds = (float(np.mean([worth[place] for worth in found])) for place in (0, -1))
        return Effects(base, log_odds, effects, _probability(without))

    def ranked(self, effects: NDArray[np.float64]) -> list[int]:
        """Places of the groups that are given as reasons, the strongest first, the lower code among equals."""
        steps = np.round(effects / EVEN)
        least = max(1.0, self.words.least_share * steps[steps > 0].sum())
        return [int(place) for place in np.argsort(-steps, kind="stable")[: self.words.top] if steps[place] >= least]

    def check_references(self, references: int) -> None:
        """Refuse a number of references that the bundle does not have (InputError)."""
        if not 1 <= references <= len(self.numbers):
            raise InputError(f"references must be from 1 to {len(self.numbers)}, as the bundle has, got {references}")

    def reason(self, place: int, found: Effects, numbers: NDArray[np.float32], texts: Texts) -> Reason:
        """What the group at a place adds to a payment, whose numbers and texts are as those of `of`."""
        group, row = self.groups[place], _Row(numbers[0], self._number_places, texts)
        value, usual = (
            None if each is None else each.of(row.number(each.column)) for each in (group.value, group.usual)
        )
        return Reason(
            code=group.code,
            text=group.text(value, usual, [row.shown(name) for name in group.details]),
            effect=float(found.effects[place]),
            counterfactual=self.words.counterfactual_text(group, float(found.without[place]), found.probability),
            value=value,
            usual=usual,
        )

    def _compared(self, references: int) -> References:
        self.check_references(references)
        if references == 1:
            return self.medians
        places = ((np.arange(references) + 0.5) * len(self.numbers) / references).astype(int)
        return References(self.numbers[places], {name: column[places] for name, column in self.texts.items()})

    @cached_property
    def medians(self) -> References:
        """One row: of each column the lower median, a missing value below all others."""
        middle = (len(self.numbers) - 1) // 2
        filled = np.sort(np.where(np.isnan(self.numbers), -np.inf, self.numbers), axis=0)[middle]
        numbers = np.where(np.isneginf(filled), np.nan, filled).astype(np.float32)
        return References(numbers[None, :], {name: _commonest(column) for name, column in self.texts.items()})

    @cached_property
    def _number_places(self) -> Mapping[str, int]:
        return {name: place for place, name in enumerate(self.signature.numeric)}

    @cached_property
    def _group_of(self) -> Mapping[str, int]:
        return {name: place for place, group in enumerate(self.groups) for name in group.columns}

    @cached_property
    def _number_groups(self) -> NDArray[np.intp]:
        """Which group each numeric column belongs to [F]."""
        return np.array([self._group_of[name] for name in self.signature.numeric], dtype=np.intp)

    @cached_property
    def _in_group(self) -> NDArray[np.intp]:
        """1 where a numeric column belongs to a group [F, G]."""
        return np.eye(len(self.groups), dtype=np.intp)[self._number_groups]

    def _moved(self, numbers: NDArray[np.float32], texts: Texts, compared: References) -> NDArray[np.bool_]:
        """Which groups differ from which reference [R, G]."""
        other = (numbers != compared.numbers) & ~(np.isnan(numbers) & np.isnan(compared.numbers))
        moved: NDArray[np.bool_] = other.astype(np.intp) @ self._in_group > 0
        for name, column in compared.texts.items():
            moved[:, self._group_of[name]] |= column != texts[name][0, 0]
        return moved

    def _worth(
        self,
        games: Sequence[_Game],
        numbers: NDArray[np.float32],
        texts: Texts,
        compared: References,
        *,
        scorer: Scorer,
        output: str,
    ) -> NDArray[np.float64]:
        """Log odds of every coalition of every game, one after the other."""
        among = np.concatenate([game.among for game in games])
        reference = np.repeat(np.arange(len(games)), [len(game.among) for game in games])
        rows = np.where(among[:, self._number_groups], numbers, compared.numbers[reference])
        filled = {
            name: np.where(among[:, self._group_of[name]], texts[name][0, 0], column[reference])[:, None]
            for name, column in compared.texts.items()
        }
        found = scorer.matrix_outputs(rows, filled, [output])[0]
        return _log_odds(found[:, 0])


def loaded_reasons(bundle: CheckedBundle, signature: Signature) -> Reasons | None:
    """The reasons of a bundle that has been checked; None where it was exported without any.

    Raises:
        InputError: reasons.json is malformed, does not fit the graph, or is not what the manifest says of it.
    """
    noted, listed = bundle.manifest.get("reasons"), REASONS in bundle.manifest["files"]
    if noted is None and not listed:
        return None
    if not listed or not isinstance(noted, Mapping):
        raise InputError(f"{bundle.folder} must have both {REASONS} and what its manifest says of it, or neither")
    values = bundle.read_json(REASONS)
    reasons = reasons_from(values, signature)
    if noted.get("references") != references_digest(values["references"]):
        raise InputError(f"{REASONS} of {bundle.folder} must have the references that the manifest names by digest")
    return reasons


def reasons_from(values: Any, signature: Signature) -> Reasons:
    """The content of reasons.json; raises InputError as `read_reasons`."""
    words, arrays = read_reasons(values, signature)
    numbers = np.concatenate([arrays[name] for name in signature.numeric], axis=1) if signature.numeric else None
    rows = len(values["references"])
    return Reasons(
        signature,
        words,
        np.zeros((rows, 0), np.float32) if numbers is None else numbers,
        {name: arrays[name][:, 0] for name in signature.categorical},
    )


def _commonest(column: NDArray[Any]) -> NDArray[Any]:
    """The text that most rows have, the lowest among equals [1]."""
    counts: dict[str, int] = {}
    for text in sorted(column.tolist()):
        counts[text] = counts.get(text, 0) + 1
    return np.array([max(counts, key=lambda text: counts[text])], dtype=object)


def _log_odds(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    p = np.clip(probabilities, SURE, 1.0 - SURE)
    found: NDArray[np.float64] = np.log(p) - np.log1p(-p)
    return found


def _probability(log_odds: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-log_odds))
