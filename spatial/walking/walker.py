"""Who walks, and when?"""

from dataclasses import dataclass
from typing import Literal, get_args

from spatial.errors import InputError
from spatial.profile import WalkRules
from spatial.walking.hours import read_moment

Speed = Literal["adult", "elderly", "stroller"]


@dataclass(frozen=True, slots=True)
class Walker:
    """A kind of walker, and the moment of the walk.

    Attributes
    ----------
    speed:
        The speed of the profile: adult, elderly or stroller (which is a wheelchair's too).
    steps:
        Whether steps, escalators, stiles and turnstiles can be passed, and ways for which ``wheelchair=no``; lifts can.
    at:
        A day of the week and a time, such as ``"Tu 20:30"``: gates and ways are closed outside their opening hours.
        With None they are open at all times.
    """

    speed: Speed = "adult"
    steps: bool = True
    at: str | None = None

    def minute(self) -> int | None:
        """Return the minute of the week, None for no moment.

        Raises
        ------
        InputError
            If ``at`` is not a day of the week and a time.
        """
        return None if self.at is None else read_moment(self.at)

    def m_per_s(self, rules: WalkRules) -> float:
        """Return the speed on the flat.

        Raises
        ------
        InputError
            If the speed is not one of the words above.
        """
        if self.speed not in get_args(Speed):
            raise InputError(f"found the speed {self.speed!r}, needed {', '.join(get_args(Speed))}")
        return float(getattr(rules, f"{self.speed}_m_per_s"))
