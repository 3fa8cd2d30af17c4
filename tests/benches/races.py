"""A race beside the whole grid over small worlds: `python -m tests.benches.races --seeds 4`.

Every world is one sweep of 20 settings. A line says who won the grid and who the race, how far the winner of the race
lies behind with the limit of noise, and the epochs of all fits together. The last lines count: winners that differ,
winners that are proven worse (there should be none), and what of the epochs was left.
"""

import argparse

from tests.fixtures.raced_worlds import KINDS, raced_world


def main() -> None:
    """Race every kind of world with every seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=4)
    asked = parser.parse_args()
    worlds = []
    for kind in KINDS:
        for seed in range(1, asked.seeds + 1):
            world = raced_world(kind, seed)
            worlds.append(world)
            print(
                f"{kind:<13} {seed:>2}  grid {world.full.selected.text:<42} race {world.raced.selected.text:<42} "
                f"behind {world.behind.value:+.5f} (limit {world.behind.limit:.5f})  epochs {world.epochs[0]} → "
                f"{world.epochs[1]}",
                flush=True,
            )
    other = sum(world.full.selected != world.raced.selected for world in worlds)
    worse = sum(world.behind.proven for world in worlds)
    left = sum(world.epochs[1] for world in worlds) / sum(world.epochs[0] for world in worlds)
    print(f"{len(worlds)} worlds: {other} other winners, {worse} proven worse; {left:.0%} of the epochs")


if __name__ == "__main__":
    main()
