"""A notice by HTTP: one POST, signed where there is a key, so that its receiver can tell who sent it and when."""

import hashlib
import hmac
import http.client
import urllib.error
import urllib.request

from pipeline.notices.notice import Notice

SIGNATURE, TIMESTAMP, DELIVERY = "X-Harbor-Signature", "X-Harbor-Timestamp", "X-Harbor-Delivery"
AGAIN = frozenset({408, 425, 429})
"""Answers of a receiver's fault of the moment, beside all from 500 upwards; others stay as they are."""


class DeliveryError(Exception):
    """A notice did not arrive; `final` where another attempt would not arrive either."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


def post(url: str, notice: Notice, *, key: bytes | None, timeout: float) -> None:
    """Send a notice once.

    Args:
        url: where to; no redirection is followed, for the body would be lost on the way.
        notice: what to send.
        key: signs time and body; None sends no signature.
        timeout: seconds.

    Raises:
        DeliveryError: it did not arrive. The address is a secret at times, so the message does not have it.
    """
    headers = {"Content-Type": "application/json", DELIVERY: notice.id, TIMESTAMP: f"{int(notice.seconds)}"}
    if key is not None:
        headers[SIGNATURE] = signature(notice.body, timestamp=headers[TIMESTAMP], key=key)
    request = urllib.request.Request(url, notice.body, headers, method="POST")  # noqa: S310 - [notify] allows http(s) only
    try:
        with urllib.request.build_opener(_NoRedirection).open(request, timeout=timeout):
            return
    except urllib.error.HTTPError as error:
        error.close()
        final = error.code < 500 and error.code not in AGAIN
        raise DeliveryError(f"it answered {error.code}", final=final) from None
    except (OSError, http.client.HTTPException) as error:
        raise DeliveryError(f"it could not be reached ({type(error).__name__})") from None


def signature(body: bytes, *, timestamp: str, key: bytes) -> str:
    """HMAC-SHA256 of `timestamp.body`: a receiver computes the same, compares, and refuses what is too old.

    >>> signature(b"{}", timestamp="0", key=b"k")[:17]
    'sha256=a2eb00bda4'

    Args:
        body: as it was received.
        timestamp: the header's text.
        key: shared with the receiver.
    """
    return "sha256=" + hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


class _NoRedirection(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: object, **_kwargs: object) -> None:
        return None
