"""Which version's state does undo bring back, and which redo? The chain of versions only ever grows."""

from collections.abc import Sequence

from api.store.records import VersionRecord
from spatial.errors import InputError

_OWN = ("import", "edit", "layers")


def find_undone(chain: Sequence[VersionRecord]) -> int:
    """Return the version whose state stood before that of the last version.

    Raises
    ------
    InputError
        If there is nothing to undo.
    """
    line, at = _line(chain)
    if at == 0:
        raise InputError(f"plan {chain[-1].plan_id!r} stands at its first state; nothing can be undone")
    return line[at - 1]


def find_redone(chain: Sequence[VersionRecord]) -> int:
    """Return the version whose state was last undone.

    Raises
    ------
    InputError
        If nothing was undone since the last edit.
    """
    line, at = _line(chain)
    if at + 1 == len(line):
        raise InputError(f"in plan {chain[-1].plan_id!r} nothing was undone since its last edit; nothing can be redone")
    return line[at + 1]


def _line(chain: Sequence[VersionRecord]) -> tuple[list[int], int]:
    """Return the edits that lead to the last one, each on the state before it, and where the last version stands."""
    state_of = {one.version: one.state_of for one in chain}
    line = [max(one.version for one in chain if one.kind in _OWN)]
    while line[-1] > 1:
        line.append(state_of[line[-1] - 1])
    line.reverse()
    return line, line.index(chain[-1].state_of)
