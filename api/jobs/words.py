"""What does a sentence about a file say to who sent no file: which input is it about?

Inputs of a job are read by what reads the files of the command line, so that both are checked alike. Its sentences name
the files and options of the command; here they name inputs.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from spatial.errors import InputError

INPUTS: Mapping[str, str] = {
    "blocks.geojson": "blocks",
    "adjacency.csv": "adjacency",
    "current.csv": "current",
    "locks.json": "fixed and together",
    "times.csv": "times",
    "demand.csv": "demand",
    "candidates.csv": "candidates",
    "--skip-unknown": "skip_unknown: true",
    " (--households)": "",
    " (--current-column)": "",
}
"""By file that a job writes for its reader, or option of the command: the input that a client knows."""
_FOUND = re.compile("|".join(map(re.escape, INPUTS)))


def say_inputs(sentence: str) -> str:
    """Return a sentence with inputs in place of files and options."""
    said = _FOUND.sub(lambda found: INPUTS[found[0]], sentence)
    first, _, rest = said.partition(": ")
    twice = rest.startswith((f"{first} ", f"{first}: "))  # a table, and the file that it came in
    return rest if twice else said


@contextmanager
def saying_inputs() -> Iterator[None]:
    """Tell errors about what is read in the words of inputs."""
    try:
        yield
    except InputError as error:
        said = say_inputs(str(error))
        if said == str(error):
            raise
        raise type(error)(said) from error
