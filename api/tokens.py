"""Who asks, and may they? Bearer tokens of the store tell; without any, whoever asks on this machine may do all."""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Request

from api.nearness import tell_passing
from api.settings import Settings
from api.store.errors import AccessError
from api.store.store import Store
from api.store.tokens import LOCAL, ROLES
from spatial.errors import InputError

_SCHEME = "bearer"
_PLAN = "planId"
"""The parameter of an address that names a plan."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the name of the token, and its role; ``by_token`` where a token of the store was shown.

    ``plans`` are those that the token is for; without any it is for the whole store.
    """

    name: str
    role: str
    by_token: bool = False
    plans: tuple[str, ...] = ()

    def may(self, role: str) -> bool:
        """Tell whether who asks has at least a role."""
        return ROLES.index(self.role) >= ROLES.index(role)

    def knows(self, plan_id: str) -> bool:
        """Tell whether the role is one for this plan."""
        return not self.plans or plan_id in self.plans

    def require_plan(self, plan_id: str) -> None:
        """Raise AccessError if the role is one for other plans alone."""
        if not self.knows(plan_id):
            raise AccessError(
                f"found a token for {', '.join(self.plans)} alone, needed one for plan {plan_id!r}", known=True
            )


_NOBODY = Caller("", ROLES[0])
Gate = Callable[[Request], Caller]


def build_gate(store: Store, role: str) -> Gate:
    """Return a dependency that lets pass who has at least a role, for the plan that the address names, if it does.

    Raises
    ------
    AccessError
        From the dependency: if the token is missing, unknown, ended, of too low a role or for other plans alone.
    """

    def let_pass(request: Request) -> Caller:
        """Return who asks, if the role suffices."""
        caller = _identify(store, request)
        if not caller.may(role):
            known = caller.name != ""
            if not known:
                passing = tell_passing(request)
                why = f" ({passing} tells of another machine)" if passing and not store.has_tokens() else ""
                told = f"found no token{why}, needed 'Authorization: Bearer ...' of the role {role}"
                raise AccessError(told, known=known)
            raise AccessError(f"found a token of the role {caller.role}, needed one of the role {role}", known=known)
        if _PLAN in request.path_params:
            caller.require_plan(request.path_params[_PLAN])
        return caller

    return let_pass


def note_caller(gate: Gate) -> Callable[[Request], None]:
    """Return a check that keeps in ``request.state.caller`` who a gate lets pass."""

    def check(request: Request) -> None:
        request.state.caller = gate(request)

    return check


def known_caller(request: Request) -> Caller:
    """Return who asks, as a check found before the body was read."""
    caller: Caller = request.state.caller
    return caller


def recognise(store: Store) -> Callable[[Request], None]:
    """Return a dependency that keeps who asks in ``request.state.caller``.

    A token that is unknown there, or for other plans alone, is none.
    """

    def keep(request: Request) -> None:
        try:
            caller = _identify(store, request)
            caller.require_plan(request.path_params[_PLAN])
        except AccessError:
            caller = _NOBODY
        request.state.caller = caller

    return keep


def _identify(store: Store, request: Request) -> Caller:
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == _SCHEME and secret.strip():
        token = store.find_token(secret.strip())
        return Caller(token.name, token.role, by_token=True, plans=token.plans)
    if scheme:
        raise AccessError("found another kind of authorization, needed a bearer token", known=False)
    return _NOBODY if store.has_tokens() or tell_passing(request) else Caller(LOCAL, ROLES[-1])


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
