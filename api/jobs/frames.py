"""How do the server and a worker speak? Frames of JSON over pipes, each with its length before it."""

from typing import IO, Any

import orjson

_LENGTH = 8


def write_frame(stream: IO[bytes], content: bytes) -> None:
    """Write a frame and push it out."""
    stream.write(len(content).to_bytes(_LENGTH, "big") + content)
    stream.flush()


def read_frame(stream: IO[bytes]) -> bytes | None:
    """Return the next frame, None where the other side ended."""
    head = stream.read(_LENGTH)
    if len(head) < _LENGTH:
        return None
    size = int.from_bytes(head, "big")
    content = stream.read(size)
    return content if len(content) == size else None


def write_message(stream: IO[bytes], **members: Any) -> None:
    """Write a frame that is one JSON object; numbers that are not finite become null."""
    write_frame(stream, orjson.dumps(members, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS))
