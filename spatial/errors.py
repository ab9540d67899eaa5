"""What can go wrong: the tree of errors that Wangge raises.

SpatialError
├── InputError (ValueError)            a file, row, column or option cannot be used
│   ├── TableError                     a frame misses a column, a key or a geometry kind
│   ├── ProfileError                   a profile has an unknown key or an impossible number
│   ├── CrsError                       coordinates whose reference system is unknown or unusable
│   ├── PersonalDataError              a column holds names, identity numbers or telephone numbers
│   └── EditError                      an edit of a plan that cannot be made as it stands
├── InfeasibleError (ValueError)       the rules leave no answer; says which rule and which id
├── MissingError (LookupError)         something named does not exist
└── CancelledError (RuntimeError)      the user stopped the work
"""


class SpatialError(Exception):
    """Root of all errors that Wangge raises on purpose; its text is one sentence for the user."""


class InputError(SpatialError, ValueError):
    """A file, row, column or option cannot be used."""


class TableError(InputError):
    """A frame breaks its column contract."""


class ProfileError(InputError):
    """A profile has an unknown key or an impossible number."""


class CrsError(InputError):
    """Coordinates whose reference system is unknown or unusable."""


class PersonalDataError(InputError):
    """A column holds names, identity numbers or telephone numbers."""


class EditError(InputError):
    """An edit of a plan that cannot be made as it stands: it names what is not there, empty or locked."""


class InfeasibleError(SpatialError, ValueError):
    """The rules leave no answer; ``facts`` says what is in the way and what would do, by name."""

    def __init__(self, text: str, **facts: object) -> None:
        """Keep the sentence and the facts."""
        super().__init__(text)
        self.facts = facts


class MissingError(SpatialError, LookupError):
    """Something that was named does not exist."""


class CancelledError(SpatialError, RuntimeError):
    """The user stopped the work."""
