"""Who asks, and may they? Bearer tokens of the store tell; without any, on the loopback, all may do everything."""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Request

from api.settings import Settings
from api.store.errors import AccessError
from api.store.store import Store
from api.store.tokens import ROLES
from spatial.errors import InputError

_SCHEME = "bearer"
_LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the name of the token, and its role; ``by_token`` where a token of the store was shown."""

    name: str
    role: str
    by_token: bool = False

    def may(self, role: str) -> bool:
        """Tell whether who asks has at least a role."""
        return ROLES.index(self.role) >= ROLES.index(role)


Gate = Callable[[Request], Caller]


def build_gate(store: Store, role: str) -> Gate:
    """Return a dependency that lets pass who has at least a role.

    Raises
    ------
    AccessError
        From the dependency: if the token is missing, unknown, ended or of too low a role.
    """

    def let_pass(request: Request) -> Caller:
        """Return who asks, if the role suffices."""
        caller = _identify(store, request)
        if not caller.may(role):
            known = caller.name != ""
            if not known:
                raise AccessError(f"found no token, needed 'Authorization: Bearer ...' of the role {role}", known=known)
            raise AccessError(f"found a token of the role {caller.role}, needed one of the role {role}", known=known)
        return caller

    return let_pass


def recognise(store: Store) -> Callable[[Request], None]:
    """Return a dependency that keeps who asks in ``request.state.caller``; a token that is unknown there is none."""

    def keep(request: Request) -> None:
        try:
            request.state.caller = _identify(store, request)
        except AccessError:
            request.state.caller = Caller("", ROLES[0])

    return keep


def _identify(store: Store, request: Request) -> Caller:
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == _SCHEME and secret.strip():
        token = store.find_token(secret.strip())
        return Caller(token.name, token.role, by_token=True)
    if scheme:
        raise AccessError("found another kind of authorization, needed a bearer token", known=False)
    return Caller("", ROLES[0]) if store.has_tokens() else Caller(_LOCAL, ROLES[-1])


def require_tokens(store: Store, settings: Settings) -> None:
    """Refuse to be reached from elsewhere without tokens: whoever reaches the server could edit.

    Raises
    ------
    InputError
        If the server listens on more than the loopback, or a proxy stands before it, and the store has no token.
    """
    if store.has_tokens():
        return
    why = settings.tell_reach()
    if why:
        raise InputError(
            f"{why}, so whoever reaches the server could edit; needed a token first: `wangge store token add`"
        )
