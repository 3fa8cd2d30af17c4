"""Whether the first bytes of a text can be of the encoding that it is said to have."""

import codecs

MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""What a text may begin with to say its encoding; the longer of two that begin alike comes first."""
WIDE = ("utf-16", "utf-32")
ZEROS = {
    "utf-32-le": (False, True, True, True),
    "utf-32-be": (True, True, True, False),
    "utf-16-le": (False, True, False, True),
    "utf-16-be": (True, False, True, False),
}
"""Which of four bytes are zero where two Latin letters, or one, stand in them."""


def encoding_fault(head: bytes, encoding: str) -> str:
    """What speaks against an encoding; "" where nothing does.

    >>> encoding_fault("id,amount".encode("utf-16-le"), "utf-8")
    'must be UTF-8, but looks like UTF-16-LE: say encoding = "utf-16-le" in the preset'

    Args:
        head: the first bytes of the text.
        encoding: its name as Python's codecs have it.
    """
    marked = next((name for mark, name in MARKS if head.startswith(mark)), "")
    found = marked or _unmarked(head)
    if _fits(found, encoding, by_mark=bool(marked)):
        return ""
    but = f"begins with a mark of {found.upper()}" if marked else f"looks like {found.upper() or 'one byte a letter'}"
    return f'must be {encoding.upper()}, but {but}: say encoding = "{_sayable(found, marked)}" in the preset'


def _fits(found: str, encoding: str, *, by_mark: bool) -> bool:
    if not encoding.startswith(WIDE):
        return not found or found == encoding.removesuffix("-sig")
    return found == encoding or (encoding in WIDE and by_mark and found.startswith(encoding))


def _sayable(found: str, marked: str) -> str:
    """The encoding as a preset says it: where a mark tells the order of the bytes, the preset need not."""
    return found[:6] if marked and found.startswith(WIDE) else found or "utf-8"


def _unmarked(head: bytes) -> str:
    """The encoding that zeros beside the letters speak of; "" where there are none, or in another order."""
    first = tuple(byte == 0 for byte in head[:4])
    return next((name for name, zeros in ZEROS.items() if first == zeros), "")
