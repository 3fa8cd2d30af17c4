"""The episodes of the simulated world as data: honest ones that look like fraud, and fraud schemes.

Every trait of a scheme has an honest double (far from home: travel; many tiny amounts in a row: micro-payments; new
merchants at speed: a spree; large amounts online: a big ticket), so no trait alone tells fraud. What does tell it lies
in bands and combinations: thieves stay below limits, shop one town further, pause for minutes rather than seconds.
"""

from dataclasses import dataclass, replace

from features.simulate.population import Floats, category_weights
from features.times import DAY, SECOND

DAY_SECONDS = DAY // SECOND


@dataclass(frozen=True)
class Scheme:
    """How the rows of one kind of episode are drawn.

    Attributes:
        name: what a fraud analyst would call it.
        fraud: whether it begins with a crime.
        per_thousand: episodes per thousand rows of the whole simulation.
        size: mean number of rows, at least 1.
        gap: median pause between its rows in seconds, lognormal.
        weights: how often each category is chosen.
        near: share of the episodes in the other town of the home region.
        far: share of the episodes in another region.
        online: share of the rows at merchants without a counter.
        tiny: leading share of the rows with amounts of a few units.
        banded: share of the other rows whose amounts stay in `band`, whoever the holder is.
        band: amounts just below a limit, from and to.
        excess: log factor on the holder's own level in the remaining rows.
        magstripe: share of the rows at a counter that read the stripe.
        restless: share of the episodes that begin at any hour instead of in waking hours.
        seasonal: share of the episodes moved into a gift season.
    """

    name: str
    fraud: bool
    per_thousand: float
    size: float
    gap: float
    weights: Floats
    near: float = 0.0
    far: float = 0.0
    online: float = 0.0
    tiny: float = 0.0
    banded: float = 0.0
    band: tuple[float, float] = (0.0, 0.0)
    excess: float = 0.0
    magstripe: float = 0.0
    restless: float = 0.0
    seasonal: float = 0.0


BIG_TICKET = Scheme(
    name="big_ticket", fraud=False, per_thousand=22.0, size=1.0, gap=DAY, near=0.03, far=0.02, online=0.65, excess=1.5,
    magstripe=0.04, restless=0.3, seasonal=0.2,
    weights=category_weights(electronics=3.0, jewellery=2.0, home_improvement=1.5, airline=2.0, lodging=1.0,
                             money_transfer=3.0, gift_cards=1.0),
)  # fmt: skip

TRAVEL = Scheme(
    name="travel", fraud=False, per_thousand=5.0, size=9.0, gap=6 * 3600, far=1.0, online=0.06, excess=0.35,
    magstripe=0.06, restless=0.15,
    weights=category_weights(restaurant=4.0, lodging=2.0, transit=2.0, entertainment=2.0, clothing=1.0, fuel=1.0,
                             electronics=0.5, jewellery=0.6),
)  # fmt: skip

SPREE = Scheme(
    name="spree", fraud=False, per_thousand=5.0, size=5.0, gap=1500, near=0.05, far=0.05, online=0.35, excess=0.4,
    magstripe=0.06, restless=0.1, seasonal=0.5,
    weights=category_weights(clothing=4.0, electronics=2.0, jewellery=1.5, gift_cards=1.5, home_improvement=1.5,
                             entertainment=1.0),
)  # fmt: skip

MICRO_PAYMENTS = Scheme(
    name="micro_payments", fraud=False, per_thousand=5.0, size=7.0, gap=40, online=0.97, tiny=0.8, excess=0.5,
    restless=0.5,
    weights=category_weights(digital_goods=6.0, subscription=1.0, entertainment=2.5, gift_cards=1.5),
)  # fmt: skip

STOLEN_CARD = Scheme(
    name="stolen_card", fraud=True, per_thousand=1.35, size=5.0, gap=1500, near=0.85, far=0.03, online=0.05, banded=0.6,
    band=(28.0, 50.0), excess=0.3, magstripe=0.12, restless=0.3,
    weights=category_weights(electronics=1.0, jewellery=0.5, clothing=1.5, gift_cards=1.0, fuel=1.5, grocery=2.5,
                             restaurant=2.0, pharmacy=1.0, entertainment=1.0),
)  # fmt: skip

CARD_TESTING = Scheme(
    name="card_testing", fraud=True, per_thousand=0.85, size=5.0, gap=300, online=0.97, tiny=0.65, excess=1.0,
    restless=0.8,
    weights=category_weights(digital_goods=4.0, subscription=2.0, clothing=1.0, entertainment=2.0, electronics=1.0),
)  # fmt: skip

TAKEOVER = Scheme(
    name="takeover", fraud=True, per_thousand=1.35, size=3.5, gap=10 * 3600, near=0.1, far=0.1, online=0.95,
    banded=0.85, band=(90.0, 150.0), excess=0.9, magstripe=0.05, restless=0.6,
    weights=category_weights(money_transfer=1.0, electronics=2.0, gift_cards=1.5, airline=1.0, clothing=2.0,
                             entertainment=2.0, home_improvement=1.0, grocery=1.0),
)  # fmt: skip

SHIFT_DAY = 90
"""From this day on, counted from the start, thieves of the scenario "drift" work in other ways."""
SHIFTED = {
    # takeovers leave the shops for transfers and tickets above every limit, in twice as many rows
    TAKEOVER.name: replace(
        TAKEOVER, size=7.0, gap=3600.0, band=(350.0, 900.0),
        weights=category_weights(money_transfer=4.0, airline=2.0, lodging=1.0, jewellery=0.5),
    ),
    # stolen cards are driven to another region and used for small daily goods, without a stripe
    STOLEN_CARD.name: replace(
        STOLEN_CARD, size=7.0, near=0.05, far=0.9, band=(8.0, 22.0), banded=0.9, magstripe=0.0,
        weights=category_weights(grocery=3.0, restaurant=2.0, fuel=1.5, transit=2.0, pharmacy=1.5),
    ),
}  # fmt: skip
"""What these schemes become then; the others stay as they are."""

SCHEMES = (BIG_TICKET, TRAVEL, SPREE, MICRO_PAYMENTS, STOLEN_CARD, CARD_TESTING, TAKEOVER)
KINDS = ("everyday", *(scheme.name for scheme in SCHEMES))
"""What a row can be part of; its position is the code of the kind."""
EVERYDAY = 0
GIFT_SEASONS = ((36, 45), (84, 91), (124, 133), (159, 168))
"""First day and the day after the last, counted from the start."""
