"""Time travel: a clock that runs on, but ahead of the real one by what a test has travelled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask_pocketping import clock


class Travel:
    """The clock of this process. It ends with the test, when the clock is set back."""

    def __init__(self) -> None:
        self._ahead = timedelta()
        clock.set_clock(self.now)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def forward(self, **span: float) -> None:
        """Go ahead, or back where it is negative; takes what `timedelta` takes."""
        self._ahead += timedelta(**span)

    def to(self, moment: datetime) -> None:
        """Go to just after a moment."""
        self._ahead = moment - datetime.now(UTC) + timedelta(milliseconds=1)
