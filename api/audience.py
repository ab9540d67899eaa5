"""Who asks: one of the house, who may see counts of single buildings, or the public?"""

import hmac
from collections.abc import Callable

from fastapi import Request

from api.nearness import tell_passing
from api.settings import LOOPBACK, Settings
from api.snapshot import Feeds
from api.tokens import Caller
from spatial.errors import MissingError


def feeds_for(find: Callable[[Request], Feeds], settings: Settings) -> Callable[[Request], Feeds]:
    """Return a function that gives the feeds that ``find`` finds as whoever sends a request may see them."""

    def see(request: Request) -> Feeds:
        feeds = find(request)
        return feeds if is_internal(request, settings) else feeds.public

    return see


def require_internal(settings: Settings) -> Callable[[Request], None]:
    """Return a dependency that finds nothing for the public: what it guards holds counts of single buildings."""

    def check(request: Request) -> None:
        if not is_internal(request, settings):
            raise MissingError("this file is not public: it holds counts of single buildings; see /collections")

    return check


def is_internal(request: Request, settings: Settings) -> bool:
    """Tell whether a request may see everything.

    It does with the internal token or that of a planner, or without one where the audience is internal: as set, else on
    a loopback address that nobody else reaches, as far as the settings and the request tell.
    """
    caller: Caller | None = getattr(request.state, "caller", None)
    if caller is not None and caller.by_token and caller.may("planner"):
        return True
    if settings.audience == "internal":
        return True
    if settings.internal_token:
        kind, _, sent = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and hmac.compare_digest(sent.strip().encode(), settings.internal_token.encode()):
            return True
    near = settings.host in LOOPBACK and not settings.tell_reach() and not tell_passing(request)
    return settings.audience == "auto" and near


def may_edit(request: Request, settings: Settings) -> bool:
    """Tell whether a request to the feeds of a store may change what it sees: it sees everything, and is a planner."""
    caller: Caller | None = getattr(request.state, "caller", None)
    return caller is not None and caller.may("planner") and is_internal(request, settings)
