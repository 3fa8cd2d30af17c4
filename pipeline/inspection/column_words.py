"""What a column's name says it may be, in the languages that exports come in."""

import re
import unicodedata

WORDS = {
    "event": (
        "event transaction trans tx txn trx booked booking buchung purchase auth authorisation authorization payment "
        "occurred operation kauf achat boeking boekings compra"
    ),
    "clock": "time date datetime timestamp zeit datum heure fecha dt ts created uhrzeit hora tijd when",
    "later": (
        "settle settled settlement posting posted value valuta clearing cleared update updated modified load loaded "
        "insert inserted processed capture captured export exported expiry expires exp valid"
    ),
    "birth": "dob birth born birthday geburt geburtsdatum naissance opened open since issued registered",
    "report": (
        "report reported chargeback chargebacks cb dispute disputed available confirmed claim claimed gemeldet meldung "
        "signalement melding gemeld meldings known notified notification"
    ),
    "amount": "amount amt betrag montant importe bedrag kwota umsatz valor summe price total belopp importo",
    "side_amount": "refunded refund fee tax tip discount balance limit avg mean max min original cashback rate ratio",
    "label": "frd oszustwo podvod fraud isfraud fraudulent betrug fraude frode fraudflag label class target",
    "rule": "flagged rule predicted prediction pred score alert scenario type reason model suspected",
    "card": "card pan cc karte kartennummer kaart carte tarjeta cardholder cardnumber cardno kartennr",
    "account": (
        "account konto kontonummer compte cuenta iban customer client kunde kundennummer user cust acct rekening klant"
    ),
    "merchant": (
        "merchant mid terminal tid haendler händler shop store acceptor payee beneficiary vendor seller marchand "
        "winkel commercant commerçant comercio merchantid"
    ),
    "device": "device deviceid fingerprint geraet gerät",
    "reference": "id uuid reference referenz referencia nummer numero num ref arn rrn key nr no number txid txnid",
    "currency": "currency ccy waehrung währung devise moneda valuta curr currencycode",
    "personal": (
        "first last firstname lastname surname vorname nachname name fullname email mail phone tel telefon mobile "
        "street strasse straße address adresse dob birth geburtsdatum birthday ssn passport holder cardholder"
    ),
    "known_later": "fraud chargeback dispute betrug fraude flagged label recovered recovery refunded loss",
    "code": (
        "id code mcc zip plz type typ cat category kategorie country land region state channel kanal brand scheme "
        "entry mode group segment status flag bin"
    ),
    "property": (
        "category mcc country city region state zip type lat long latitude longitude group currency class brand scheme "
        "present expiry exp level status flag age entry mode network issuer land ort kategorie"
    ),
}
"""Words of names by what they hint at, in lower case."""

LONG = 5
"""Letters from which a word counts inside a longer one too: Kartennummer, Betrugsmeldung."""


def name_words(name: str) -> tuple[str, ...]:
    """The words of a name, in lower case and without accents.

    >>> name_words("isFraud"), name_words("TX_DATETIME"), name_words("Betrag (EUR)")
    (('is', 'fraud'), ('tx', 'datetime'), ('betrag', 'eur'))
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", _without_accents(name))
    return tuple(re.findall(r"[^\W\d_]+", spaced.lower()))


def _without_accents(text: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


ROLE_WORDS = {role: tuple(_without_accents(words).split()) for role, words in WORDS.items()}


def hints_at(name: str, role: str) -> bool:
    """Whether a word of the name hints at a role.

    >>> hints_at("Kartennummer", "card"), hints_at("merchant_city", "property"), hints_at("rate", "card")
    (True, True, False)
    """
    words, wanted = name_words(name), ROLE_WORDS[role]
    joined = "".join(words)
    return bool(set(words) & set(wanted)) or any(len(each) >= LONG and each in joined for each in wanted)
