"""Networks in order of what they have seen: what a booster may look through at a row is the newest one older than it.

A booster learns from a network only on rows later than all that network learned from. Networks that are there already,
of the judged run and of earlier fits of its recipe, serve where they are recent enough; where none is, one is fitted.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from features.encode import Encoder
from features.vocabulary import code_pairs
from models.losses import LossSettings
from models.network import State
from models.shared_encoder import NetworkUntil
from models.training.warm_start import WarmStart, recoded_network


@dataclass(frozen=True)
class SeenNetwork:
    """A network, the time up to which it learned, the loss it minimised, and the encoder of its inputs."""

    until: int
    state: State
    loss: LossSettings
    encoder: Encoder

    def read_with(self, encoder: Encoder, loss: LossSettings) -> State:
        """The same network for rows that another encoder coded, its margin moved to another loss's class weights."""
        state = self.state
        if encoder.vocabularies != self.encoder.vocabularies:
            both = zip(encoder.vocabularies, self.encoder.vocabularies, strict=True)
            state = recoded_network(state, codes=[code_pairs(now, then) for now, then in both], sizes=encoder.sizes)
        return WarmStart(((state, self.loss),)).of(loss)


@dataclass(frozen=True)
class EncoderChain:
    """Networks of one recipe, in any order."""

    networks: tuple[SeenNetwork, ...] = ()

    def with_networks(self, networks: Iterable[SeenNetwork]) -> "EncoderChain":
        """The chain with further ones."""
        return replace(self, networks=(*self.networks, *networks))

    def newest(self, until: int, *, oldest: int) -> SeenNetwork | None:
        """The newest network that learned from nothing later than `until`; None where all are older than `oldest`."""
        fit = [each for each in self.networks if oldest <= each.until <= until]
        return max(fit, key=lambda each: each.until, default=None)


def network_until(
    chain: EncoderChain,
    *,
    encoder: Encoder,
    loss: LossSettings,
    tolerance: int,
    fit: Callable[[int], State],
    kept: dict[int, State],
) -> NetworkUntil:
    """Where a fit takes its encoder's networks from.

    Args:
        chain: what is there.
        encoder: of the rows that are asked about.
        loss: of the head that serves: every logit must mean the same.
        tolerance: how far back of a border a network may have stopped to learn, microseconds.
        fit: fits one on the rows up to a time, where none is recent enough.
        kept: gets those that were fitted, by their time.
    """

    def until(border: int) -> State:
        known = chain.newest(border, oldest=border - tolerance)
        if known is not None:
            return known.read_with(encoder, loss)
        if border not in kept:
            kept[border] = fit(border)
        return kept[border]

    return until
