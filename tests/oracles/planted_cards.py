"""A card number in every spelling that files, spreadsheets and people give it, and whether a text tells any of it."""

import re

CARD = "4539578763621486"
SPELLINGS = {
    "plain": CARD,
    "spaces": "4539 5787 6362 1486",
    "dashes": "4539-5787-6362-1486",
    "dots": "4539.5787.6362.1486",
    "no-break spaces": "4539\u00a05787\u00a06362\u00a01486",
    "narrow spaces": "4539\u202f5787\u202f6362\u202f1486",
    "wide spaces": "4539  5787  6362  1486",
    "en dashes": "4539\u20135787\u20136362\u20131486",
    "mixed": "4539-5787 6362.1486",
    "slashes": "4539/5787/6362/1486",
    "underscores": "4539_5787_6362_1486",
    "commas": "4539,5787,6362,1486",
    "thousands": "4,539,578,763,621,486",
    "digit by digit": " ".join(CARD),
    "pairs": "45 39 57 87 63 62 14 86",
    "a float": f"{CARD}.0",
    "a power of ten": "4.539578763621486E+15",
    "full width": CARD.translate({ord(str(digit)): 0xFF10 + digit for digit in range(10)}),
    "other groups": "453957 8763621486",
    "fifteen digits": "3782 822463 10005",
    "nineteen digits": "6759649826438453123",
}
FOUR = ("plain", "spaces", "dashes", "no-break spaces")
"""Those that a bank's files have most."""


def spelled(name: str) -> str:
    return SPELLINGS[name]


def digits_told(text: str) -> int:
    """How many digits of a planted number a text shows in a row, separators apart; four or fewer are 0.

    Windows of five digits of any spelling are looked for in the text's own digits, run by run.
    """
    plain = text.translate({0xFF10 + digit: ord(str(digit)) for digit in range(10)})
    runs = re.findall(r"\d(?:[^\w]{0,3}_?\d)*", plain)
    shown = [re.sub(r"\D", "", run) for run in runs]
    planted = {re.sub(r"\D", "", name) for name in (CARD, SPELLINGS["fifteen digits"], SPELLINGS["nineteen digits"])}
    found = 0
    for number in planted:
        for length in range(len(number), 4, -1):
            pieces = {number[start : start + length] for start in range(len(number) - length + 1)}
            if any(piece in run for piece in pieces for run in shown):
                found = max(found, length)
                break
    return found
