"""What can be set about the server: arguments, or environment variables that begin with ``WANGGE_``."""

import ipaddress
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from spatial.errors import InputError

_PREFIX = "WANGGE_"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Settings(BaseSettings):
    """Settings of one server; read when it is made, never when a module is loaded."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    limit_default: int = Field(default=1000, ge=1)
    """Features on a page of a feed when the client names no limit."""
    limit_max: int = Field(default=10000, ge=1)
    """Most features on a page, whatever the client asks for."""
    cors_origins: tuple[str, ...] = ()
    """Origins whose pages may read the feeds; none by default."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names that are answered to; empty: the loopback names when serving on loopback, else every name."""
    proxy: bool = False
    """Whether a proxy stands before the server: then nobody is taken for one of this machine."""
    public_url: str = ""
    """Address under which clients see the server, when a proxy stands before it."""
    reads_at_once: int = Field(default=4, ge=1)
    """Most answers of features that are in the making at once; the others wait their turn, edits do not."""
    body_max: int = Field(default=2_000_000, ge=1)
    """Most bytes of what a client sends."""
    bodies_max: int = Field(default=200_000_000, ge=1)
    """Most bytes of what all clients send together, of each kind: places, inputs of jobs, and everything else. They are
    held from when they come in until they are answered; who sends more is asked to come again (503)."""
    body_seconds_max: float = Field(default=120.0, gt=0)
    """Longest that a client takes to send a body (408), and to take a part of its answer: until then it holds bytes of
    ``bodies_max``."""
    audience: Literal["auto", "internal", "public"] = "auto"
    """Who reads the feeds. Public ones leave out small counts and single buildings; auto is internal on loopback with
    no proxy before it, that is no proxy and no public_url set, no other name among allowed_hosts and none that the
    request tells of, else public."""
    internal_token: str = ""
    """Bearer token with which public feeds are whole; empty: none opens them."""
    plans_cache_bytes: int = Field(default=500_000_000, ge=0)
    """About so many bytes of the feeds of a store's plans are kept; a plan that is read anew costs seconds."""
    tile_cache_bytes: int = Field(default=64_000_000, ge=0)
    """Most bytes of tiles that are kept."""
    locate_points_max: int = Field(default=1_000_000, ge=1)
    """Most points that are located at once."""
    locate_body_max: int = Field(default=50_000_000, ge=1)
    """Most bytes of the points that are located at once."""
    walk_points_max: int = Field(default=200, ge=1)
    """Most places about which circles are drawn at once, and most sources of travel times."""
    walk_pairs_max: int = Field(default=1_000_000, ge=1)
    """Most pairs of sources and demand points of one answer."""
    walk_minutes_max: float = Field(default=60.0, gt=0)
    walk_metres_max: float = Field(default=5000.0, gt=0)
    walk_limits_max: int = Field(default=6, ge=1)
    """Most circles about one place."""
    walk_changes_max: int = Field(default=50, ge=0)
    """Most gates closed and footbridges added in one question."""
    jobs: Path | None = None
    """File that keeps the jobs of this server; without it one in the cache, by what is served."""
    job_workers: int = Field(default=2, ge=1, le=64)
    """Jobs that run side by side, each in a process of its own."""
    job_queue_max: int = Field(default=20, ge=0)
    """Most jobs that wait for a worker."""
    edit_seconds_max: float = Field(default=30.0, gt=0)
    """Longest that the edits of one request may search in all; what takes longer is a job."""
    job_seconds_max: float = Field(default=3600.0, gt=0)
    """A job that runs longer is stopped, and has failed."""
    job_memory_max: int = Field(default=8 * 2**30, ge=0)
    """Most bytes of memory of a job's process; 0 is no limit."""
    job_body_max: int = Field(default=50_000_000, ge=1)
    """Most bytes of the inputs of a job."""
    job_wait_s: float = Field(default=30.0, gt=0)
    """Longest time that a client waits for a quick process; longer ones are asked for with respond-async."""
    job_points_max: int = Field(default=5000, ge=1)
    """Most places about which one job draws circles, and most sources of its travel times."""
    job_pairs_max: int = Field(default=10_000_000, ge=1)
    """Most pairs of sources and demand points of one job."""
    job_listeners_max: int = Field(default=100, ge=1)
    """Most clients that listen to jobs at once."""
    jobs_kept_max: int = Field(default=200, ge=0)
    """Most finished jobs that are kept with their results."""
    web: Path = Path(__file__).parent / "web" / "dist"
    """Where the built map page is."""

    def trusted_hosts(self) -> list[str]:
        """Return the host names that are answered to; ``*`` is every name."""
        if self.allowed_hosts:
            return list(self.allowed_hosts)
        return ["127.0.0.1", "localhost", "[::1]", "[", self.host] if self.host in LOOPBACK else ["*"]

    def tell_reach(self) -> str:
        """Return what lets others than this machine reach the server; nothing where none is told."""
        if not is_loopback(self.host):
            return f"the server would listen on {self.host}"
        if self.proxy:
            return "a proxy stands before the server"
        if self.public_url:
            return f"the server is reached by {self.public_url}"
        others = [host for host in self.allowed_hosts if not is_loopback(host)]
        return f"the server answers to {others[0]}" if others else ""


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine alone."""
    try:
        return host in LOOPBACK or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def read_settings(**given: Any) -> Settings:
    """Return the settings of the arguments that are given (None is not given), else of the environment.

    Raises
    ------
    InputError
        If one cannot be used; the sentence names it as it was set.
    """
    arguments = {name: value for name, value in given.items() if value is not None}
    try:
        return Settings(**arguments)
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0])
        name = field if field in arguments else f"{_PREFIX}{field.upper()}"
        need = first["msg"][:1].lower() + first["msg"][1:]
        raise InputError(f"{name} is {str(first['input'])!r}; {need}") from error
    except SettingsError as error:
        lists = ", ".join(f"{_PREFIX}{name.upper()}" for name in ("cors_origins", "allowed_hosts"))
        raise InputError(f'one of {lists} is no JSON list; needed one such as ["https://maps.example"]') from error
