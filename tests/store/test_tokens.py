"""Secrets are told once and never kept; jobs are given to one worker and end once."""

import sqlite3
from contextlib import closing

import pytest

from api.store.editing import Editor
from api.store.errors import AccessError
from api.store.store import Store
from spatial.errors import InputError, MissingError
from tests.store.served import TOY


def test_a_token_is_known_by_its_secret_until_it_is_revoked(editor: Editor) -> None:
    store = editor.store
    assert not store.has_tokens()
    secret = store.create_token("south office", "planner")
    assert (store.find_token(secret).name, store.find_token(secret).role) == ("south office", "planner")
    for wrong in ("", secret[:-1], secret.upper()):
        with pytest.raises(AccessError, match="unknown or was revoked"):
            store.find_token(wrong)
    store.revoke_token("south office")
    with pytest.raises(AccessError):
        store.find_token(secret)
    assert store.has_tokens()
    with pytest.raises(MissingError, match="no token 'south office' is in use"):
        store.revoke_token("south office")
    assert [(one[2], one[3]) for one in store.list_audit()] == [
        ("token created", "south office"),
        ("token revoked", "south office"),
    ]


def test_a_token_needs_a_name_of_its_own_and_a_role(editor: Editor) -> None:
    editor.store.create_token("office", "administrator")
    for name, role, says in (
        ("office", "planner", "there was a token 'office' already"),
        (" ", "planner", "without a name"),
        ("other", "public", "found the role 'public'"),
        ("other", "king", "found the role 'king'"),
    ):
        with pytest.raises(InputError, match=says):
            editor.store.create_token(name, role)
    assert [token.name for token in editor.store.list_tokens()] == ["office"]


@pytest.mark.parametrize("name", ["local", "command line"])
def test_a_token_is_not_named_as_those_who_had_none(editor: Editor, name: str) -> None:
    with pytest.raises(InputError, match="needed another name"):
        editor.store.create_token(name, "planner")


def test_a_token_may_be_for_some_plans_alone(editor: Editor) -> None:
    store = editor.store
    secret = store.create_token("south", "planner", [TOY, TOY])
    assert store.find_token(secret).plans == (TOY,)
    assert store.find_token(store.create_token("all", "planner")).plans == ()
    with pytest.raises(MissingError, match="no plan 'lost'"):
        store.create_token("north", "planner", [TOY, "lost"])
    assert [(token.name, token.plans) for token in store.list_tokens()] == [("all", ()), ("south", (TOY,))]
    assert store.list_audit()[0][3:] == ("south", f"planner of {TOY}")


def test_the_file_does_not_hold_the_secret(file_store: Store) -> None:
    secret = file_store.create_token("office", "planner")
    with closing(sqlite3.connect(file_store.database.name)) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with open(file_store.database.name, "rb") as held:
        content = held.read()
    assert b"office" in content
    assert secret.encode() not in content
    assert secret.removeprefix("wangge_").encode() not in content
