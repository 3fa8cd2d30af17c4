"""Another bundle takes over between two rows, or none does."""

import asyncio
import json
import shutil

import pytest

from pipeline.serve.bundle_swap import BundleSwap
from pipeline.serve.refusal import RefusalError
from pipeline.storage.digests import sha256_file
from tests.fixtures.bundles import edited
from tests.fixtures.live_service import asked, asking


@pytest.fixture
def other(small_run, tmp_path):
    """The same model under another manifest."""
    folder = shutil.copytree(small_run / "export" / "bundle", tmp_path / "other")
    edited(folder, lambda manifest: manifest.update(note="another night"))
    return folder


def swapped(app, folder, version="2"):
    said = []
    swap = BundleSwap(app.service, key=None, say=said.append)
    return asyncio.run(swap.swap(folder, version)), said


def test_rows_behind_the_swap_are_answered_by_the_other_bundle_and_the_log_says_so(app, rows, other):
    first = asked(app, "/v1/score", rows[0])
    made, said = swapped(app, other)
    second = asked(app, "/v1/score", rows[1]).json["model"]
    assert (second["version"], second["manifest"]) == ("2", sha256_file(other / "manifest.json"))
    assert "answers from event 2 on" in said[0]
    assert asked(app, "/v1/score", rows[0]).body == first.body
    models = [asked(app, f"/v1/transactions/{row['transaction_id']}").json["model"]["bundle"] for row in rows[:2]]
    assert models == [first.json["model"]["manifest"], made.manifest]
    assert app.service.metrics.counters["swaps"]["done",] == 1


def test_a_bundle_that_is_broken_or_of_other_features_keeps_the_champion(app, rows, other):
    before = app.service.deployment
    for name in ("model.onnx", "features.json"):
        spoilt = shutil.copytree(other, other.with_name(f"without-{name}"))
        (spoilt / name).write_bytes(b"{}")
        with pytest.raises(RefusalError) as found:
            swapped(app, spoilt)
        assert found.value.status == 422
    assert app.service.deployment is before
    assert app.service.engine.offset == 1
    assert app.service.metrics.counters["swaps"]["refused",] == 2
    assert asked(app, "/v1/score", rows[0]).json["model"]["manifest"] == before.manifest


def test_swaps_and_rollbacks_under_load_cost_no_answer_and_every_answer_names_its_bundle(app, rows, other, small_run):
    swap, known = BundleSwap(app.service, key=None, say=lambda _: None), {app.service.deployment.manifest}
    spoilt = shutil.copytree(other, other.with_name("spoilt"))
    (spoilt / "encoder.json").write_bytes(b"{}")

    async def load(found):
        for place in range(600):
            row = {**rows[place % len(rows)], "transaction_id": f"load-{place}"}
            found.append(await asking(app, "/v1/score", row))
            await asyncio.sleep(0)

    async def swaps():
        for folder in (other, spoilt, small_run / "export" / "bundle", other):
            try:
                known.add((await swap.swap(folder, "")).manifest)
            except RefusalError:
                assert folder is spoilt

    async def both():
        found = []
        await asyncio.gather(load(found), swaps())
        return found

    answers = asyncio.run(both())
    assert {each.status for each in answers} == {200}
    named = [each.json["model"]["manifest"] for each in answers]
    assert set(named) <= known
    logged = [app.service.engine.stored(f"load-{place}") for place in range(0, 600, 50)]
    assert [each.model["bundle"] for each in logged] == named[::50]
    assert [json.loads(each.answer)["model"]["manifest"] for each in logged] == named[::50]
