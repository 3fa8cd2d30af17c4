from features.online.id_keys import NULL, IdKeys


def test_a_null_id_has_the_null_key_and_no_other_has():
    assert IdKeys().key(None) == NULL
    assert NULL not in {IdKeys().key(identity) for identity in ("", 0, "0", "None")}


def test_a_number_has_the_key_of_its_text_and_leading_zeros_count():
    keys = IdKeys(b"secret")
    assert keys.key(17) == keys.key("17") != keys.key("017")
    assert keys.key(-17) != keys.key(17)


def test_a_key_is_read_from_its_secret_too():
    assert IdKeys(b"one").key("4111") != IdKeys(b"two").key("4111") != IdKeys().key("4111")


def test_the_same_id_has_the_same_key_however_often_it_is_asked_for():
    keys = IdKeys(b"secret")
    assert len({keys.key("card") for _ in range(3)}) == 1
    assert len(keys.key("card")) == 16
