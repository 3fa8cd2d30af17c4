"""A booster as one graph node: XGBoost's own JSON turned into an ONNX tree ensemble."""

import json
from typing import Any

import numpy as np
import xgboost

from pipeline.stages.export.graph.nodes import ML_DOMAIN, Nodes

SINGLE_LEAF = -1
"""What XGBoost writes for the child of a node that has none."""


def tree_margins(nodes: Nodes, matrix: str, model: bytes) -> str:
    """Margins of a booster, float32 [N, 1].

    XGBoost goes left where x < threshold in float32, and at a missing value where the node's default says; its margin
    is the sum of the leaves and of logit(base_score).

    Args:
        nodes: where to add.
        matrix: float32 [N, P], NaN where missing.
        model: UBJ bytes; all of its trees are used.

    Raises:
        ValueError: the booster is not a plain one of numeric splits with the logistic objective.
    """
    learner = json.loads(xgboost.Booster(model_file=bytearray(model)).save_raw("json"))["learner"]
    trees = learner["gradient_booster"].get("model", {}).get("trees", [])
    faults = _booster_faults(learner, trees)
    if faults:
        raise ValueError("a booster in a graph must be plain trees with a logistic objective: " + "; ".join(faults))
    score = np.float64(json.loads(learner["learner_model_param"]["base_score"].strip("[]")))
    return nodes.add(
        "TreeEnsembleRegressor",
        matrix,
        domain=ML_DOMAIN,
        n_targets=1,
        aggregate_function="SUM",
        post_transform="NONE",
        base_values=[float(np.log(score) - np.log1p(-score))],
        **_ensemble_attributes(trees),
    )


def _booster_faults(learner: dict[str, Any], trees: list[dict[str, Any]]) -> list[str]:
    faults = []
    if learner["objective"]["name"] != "binary:logistic":
        faults.append(f"its objective is {learner['objective']['name']}")
    if learner["gradient_booster"]["name"] != "gbtree":
        faults.append(f"its booster is {learner['gradient_booster']['name']}")
    categorical = sum(any(tree["split_type"]) for tree in trees)
    if categorical:
        faults.append(f"{categorical} of {len(trees)} trees split on categories")
    if not trees:
        faults.append("it has no trees")
    return faults


def _ensemble_attributes(trees: list[dict[str, Any]]) -> dict[str, Any]:
    """The attributes of a TreeEnsembleRegressor: one entry a node, and one a leaf."""
    sizes = [len(tree["left_children"]) for tree in trees]
    left, right = _concatenated(trees, "left_children", np.int64), _concatenated(trees, "right_children", np.int64)
    value = _concatenated(trees, "split_conditions", np.float32)
    leaf = left == SINGLE_LEAF
    tree_of = np.repeat(np.arange(len(trees)), sizes)
    node = np.concatenate([np.arange(size) for size in sizes])
    return {
        "nodes_treeids": tree_of.tolist(),
        "nodes_nodeids": node.tolist(),
        "nodes_featureids": np.where(leaf, 0, _concatenated(trees, "split_indices", np.int64)).tolist(),
        "nodes_modes": np.where(leaf, "LEAF", "BRANCH_LT").tolist(),
        "nodes_values": np.where(leaf, np.float32(0), value).tolist(),
        "nodes_truenodeids": np.where(leaf, 0, left).tolist(),
        "nodes_falsenodeids": np.where(leaf, 0, right).tolist(),
        "nodes_missing_value_tracks_true": np.where(leaf, 0, _concatenated(trees, "default_left", np.int64)).tolist(),
        "target_treeids": tree_of[leaf].tolist(),
        "target_nodeids": node[leaf].tolist(),
        "target_ids": np.zeros(int(leaf.sum()), dtype=np.int64).tolist(),
        "target_weights": value[leaf].tolist(),
    }


def _concatenated(trees: list[dict[str, Any]], name: str, kind: type[np.generic]) -> np.ndarray:
    return np.concatenate([np.asarray(tree[name], dtype=kind) for tree in trees])
