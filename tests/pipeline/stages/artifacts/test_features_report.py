from tests.fixtures.reports import features_report


def test_a_fold_is_written_under_the_names_that_people_read():
    fold = features_report().to_dict()["folds"]["test"]
    assert fold["from"] == "2024-04-30T23:59:59Z"
    assert fold["to"] == "2024-05-01T00:00:00Z"
    assert fold["labels_known_by"] is None
    assert fold["immature_share"] == {"legitimate": 0.0, "fraud": None}


def test_pairs_and_names_are_lists_in_the_file():
    content = features_report().to_dict()
    assert content["folds"]["test"]["usable"] == [5, 1]
    assert content["columns"]["numeric"] == ["amount"]
