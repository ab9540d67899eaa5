"""How does a command say what it does while it does it, stop when it is asked to, and fail in one clear sentence?"""

import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import typer

from spatial.errors import CancelledError, SpatialError
from spatial.profile import Profile
from spatial.progress import Progress

EXIT_UNUSABLE = 2
EXIT_STOPPED = 130


def option(text: str) -> Any:
    """Return an option of a command that has no default worth showing."""
    return typer.Option(help=text, show_default=False)


@contextmanager
def honest() -> Iterator[None]:
    """Turn what goes wrong into one clear sentence and an exit code."""
    try:
        yield
    except CancelledError:
        typer.echo("wangge: stopped; nothing was written", err=True)
        raise typer.Exit(EXIT_STOPPED) from None
    except (SpatialError, OSError) as error:
        typer.echo(f"wangge: {error}", err=True)
        raise typer.Exit(EXIT_UNUSABLE) from error
    except KeyboardInterrupt:
        typer.echo("wangge: stopped; nothing was written", err=True)
        raise typer.Exit(EXIT_STOPPED) from None


def warn(lines: Iterable[str]) -> None:
    """Say before long work what may make it worthless."""
    for line in lines:
        typer.echo(f"wangge: warning: {line}", err=True)


def compile_first(profile: Profile, on_progress: Progress) -> None:
    """Compile what searches on the first run after an installation, and say so; later runs find it kept."""
    from spatial.division.warming import compile_first as compile_it  # here: not every command searches

    compile_it(profile, on_progress)


@contextmanager
def telling_compiling() -> Iterator[None]:
    """Say once that kernels are compiled, if any is meanwhile: after an installation it takes longer than work."""
    from numba.core.event import Listener, install_listener  # here: not every command has kernels

    said = threading.Event()

    class Teller(Listener):  # type: ignore[misc]
        def on_start(self, event: Any) -> None:
            if not said.is_set():
                said.set()
                typer.echo("  compiling the kernels of what is asked, once: up to a minute ...", err=True)

        def on_end(self, event: Any) -> None:
            """Nothing is to be told."""

    with install_listener("numba:compile", Teller()):
        yield


@contextmanager
def stoppable() -> Iterator[Callable[[], None]]:
    """Stop at Ctrl-C and at SIGTERM, also where a library swallows the exception: the yielded check raises it again."""
    stopped = threading.Event()

    def stop(number: int, frame: Any) -> None:
        stopped.set()
        raise KeyboardInterrupt

    def check() -> None:
        if stopped.is_set():
            raise KeyboardInterrupt

    with _handling(stop):
        yield check


@contextmanager
def deferring() -> Iterator[threading.Event]:
    """Note the first Ctrl-C or SIGTERM in the event that is yielded, and raise at the second."""
    asked = threading.Event()

    def note(number: int, frame: Any) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    with _handling(note):
        yield asked


@contextmanager
def _handling(handler: Callable[[int, Any], None]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


@contextmanager
def show_progress(check_stop: Callable[[], None]) -> Iterator[Progress]:
    """Show stages with the time each has taken: a moving line on a terminal, a line per stage elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    if not console.is_terminal:
        said: list[str] = []

        def say(stage: str, share: float) -> None:
            check_stop()
            if not said or said[-1] != stage:
                said.append(stage)
                print(f"  {stage} ...", file=sys.stderr, flush=True)

        yield say
        return
    columns = (SpinnerColumn(), TextColumn("{task.description:<28}"), BarColumn(), TimeElapsedColumn())
    # lines printed meanwhile go above the bar, unless they go to a file or another program
    with Bar(*columns, console=console, redirect_stdout=sys.stdout.isatty()) as bar:
        tasks: dict[str, Any] = {}

        def move(stage: str, share: float) -> None:
            check_stop()
            if stage not in tasks:
                for task in tasks.values():
                    bar.update(task, completed=1.0)
                tasks[stage] = bar.add_task(stage, total=1.0)
            bar.update(tasks[stage], completed=share)

        yield move
        for task in tasks.values():
            bar.update(task, completed=1.0)
