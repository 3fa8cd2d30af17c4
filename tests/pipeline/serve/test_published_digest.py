import hashlib
import time

import numpy as np

from pipeline.serve.published_digest import PublishedDigest
from pipeline.state.snapshots import AT, DIGEST


def test_a_digest_is_told_once_with_its_place_and_one_at_a_time():
    words, published = np.arange(1000), PublishedDigest()
    assert published.taken() is None
    published.begin(words, 7)
    published.begin(words + 1, 8)
    deadline = time.monotonic() + 20
    while (found := published.taken()) is None and time.monotonic() < deadline:
        time.sleep(0.001)
    assert found == {DIGEST: hashlib.sha256(words.tobytes()).hexdigest(), AT: 7}
    assert published.taken() is None
    published.close()
