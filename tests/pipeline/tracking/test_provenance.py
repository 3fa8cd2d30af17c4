"""The commit is read from git's own files, and its absence is no fault."""

import pytest

from pipeline.tracking.provenance import git_commit, trigger

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def repository(tmp_path):
    (tmp_path / ".git" / "refs" / "heads").mkdir(parents=True)
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / "code" / "deep").mkdir(parents=True)
    return tmp_path


def test_a_branch_is_followed_to_its_commit_loose_or_packed(repository):
    (repository / ".git" / "packed-refs").write_text(f"# pack-refs\n{COMMIT} refs/heads/main\n")
    assert git_commit(repository / "code" / "deep") == COMMIT
    (repository / ".git" / "refs" / "heads" / "main").write_text("f" * 40 + "\n")
    assert git_commit(repository / "code" / "deep") == "f" * 40


def test_a_linked_worktree_reads_the_branch_of_the_common_repository(repository):
    (repository / ".git" / "refs" / "heads" / "side").write_text(COMMIT)
    linked = repository / ".git" / "worktrees" / "side"
    linked.mkdir(parents=True)
    (linked / "HEAD").write_text("ref: refs/heads/side\n")
    (linked / "commondir").write_text("../..\n")
    (repository / "code" / ".git").write_text(f"gitdir: {linked}\n")
    assert git_commit(repository / "code") == COMMIT


def test_a_detached_head_is_the_commit_and_an_empty_repository_has_none(repository):
    assert git_commit(repository) is None
    (repository / ".git" / "HEAD").write_text(COMMIT)
    assert git_commit(repository) == COMMIT


def test_a_run_is_set_going_by_hand_unless_a_scheduler_says_so():
    assert trigger({}) == "cli"
    assert trigger({"HARBOR_TRIGGER": "schedule"}) == "schedule"
