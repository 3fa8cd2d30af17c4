import pytest

from pipeline.reading.encodings import encoding_fault

TEXT = "id,amount\n1,2\n"
HELD = {
    "utf-8": TEXT.encode(),
    "utf-8 with a mark": TEXT.encode("utf-8-sig"),
    "utf-16-le": TEXT.encode("utf-16-le"),
    "utf-16-be": TEXT.encode("utf-16-be"),
    "utf-16-le with a mark": b"\xff\xfe" + TEXT.encode("utf-16-le"),
    "utf-16-be with a mark": b"\xfe\xff" + TEXT.encode("utf-16-be"),
    "utf-32-le": TEXT.encode("utf-32-le"),
    "utf-32-le with a mark": b"\xff\xfe\0\0" + TEXT.encode("utf-32-le"),
}
FITTING = {
    "utf-8": {"utf-8", "utf-8 with a mark"},
    "utf-8-sig": {"utf-8", "utf-8 with a mark"},
    "cp1252": {"utf-8"},
    "utf-16": {"utf-16-le with a mark", "utf-16-be with a mark"},
    "utf-16-le": {"utf-16-le", "utf-16-le with a mark"},
    "utf-32": {"utf-32-le with a mark"},
}


@pytest.mark.parametrize("encoding", FITTING)
@pytest.mark.parametrize("held", HELD)
def test_a_text_fits_the_encodings_that_its_bytes_can_be_of_and_no_other(held, encoding):
    assert (encoding_fault(HELD[held], encoding) == "") == (held in FITTING[encoding])


@pytest.mark.parametrize("held", [name for name in HELD if name != "utf-8"])
def test_what_a_message_says_to_write_reads_the_text(held):
    said = encoding_fault(HELD[held], "cp1252").split('"')[1]
    assert encoding_fault(HELD[held], said) == ""
    assert HELD[held].decode(said).lstrip("\ufeff") == TEXT


def test_zeros_in_another_order_speak_of_no_encoding():
    assert encoding_fault(b"id\0\0,amount", "utf-8") == ""
