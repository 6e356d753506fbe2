"""How fast a backend is, compared with others that serve the same model.

Theory. The time to the first token depends on the prompt and the time of an answer on its length,
so neither says anything by itself: an average of them measures the clients. Each sample is
therefore compared with what answers of about the same size usually take, at any backend of the
group, and the logarithm of that ratio is kept. Two backends that get the same mix of calls then
differ by how fast they are, however the mix changes. Queues differ too, for a while and by chance;
so what counts is the lower quartile of the last samples, which is how fast the engine is when it is
not held up. The slowness of a backend is its own quartile over the median of its peers', in the
figure where it looks worst. Each call at a slower one takes longer, so it is given as much less of
the work.

    FIRST   a stream's first token, by the size of the prompt
    GAP     the time between its tokens, by their number
    WHOLE   a plain answer, by the sizes of the prompt and of the answer

A group is one model, under the engines' own name for it, in one tier: other names are mostly other
weights, and another tier is mostly other hardware. What is older than a minute says nothing.
"""

from collections import deque
from collections.abc import Sequence
from enum import IntEnum
from math import exp, log
from typing import Final

from proxy.core.backend import Backend

FRESH: Final = 60.0  # seconds
NOTICED: Final = 1.5  # times slower; below, it is chance
_LAST: Final = 32  # samples of a backend that are kept
_QUARTER: Final = 4
_GAIN: Final = 0.05  # weight of the newest sample in what is usual
_SHORTEST: Final = 1e-5  # seconds: below, a clock tells nothing

Group = tuple[str, int]  # the engines' name for the model, and the tier


class Kind(IntEnum):
    """What was measured."""

    FIRST = 0
    GAP = 1
    WHOLE = 2


class _Mean:
    """A moving average that begins as a plain one."""

    __slots__ = ("count", "value")

    def __init__(self) -> None:
        self.value = 0.0
        self.count = 0

    def take(self, sample: float) -> None:
        self.count += 1
        self.value += (sample - self.value) * max(_GAIN, 1.0 / self.count)


_Samples = deque[tuple[float, _Mean, float]]  # logarithm, what is usual for its size, and when
_Track = tuple[Group, Kind]


class Paces:
    """The figures of all backends."""

    __slots__ = ("_tracks", "_usual")

    def __init__(self) -> None:
        self._tracks: dict[_Track, dict[Backend, _Samples]] = {}
        self._usual: dict[tuple[Group, Kind, int], _Mean] = {}  # by size; 0 = of any

    def note(self, backend: Backend, track: _Track, size: int, seconds: float, now: float) -> None:
        """Take in one figure; `size` is how large such an answer is, 1 or more, in any measure."""
        value = log(max(seconds, _SHORTEST))
        usual = self._mean_of(*track, size)
        usual.take(value)
        self._mean_of(*track, 0).take(value)
        kept = self._tracks.setdefault(track, {})
        if backend not in kept:
            kept[backend] = deque(maxlen=_LAST)
        kept[backend].append((value, usual, now))

    def compared(self, samples: int, now: float) -> dict[Backend, float]:
        """Return how many times slower than its peers each backend is; who is not there: unknown.

        It and at least one peer must have so many fresh samples.
        """
        found: dict[Backend, float] = {}
        for kept in self._tracks.values():
            heard = [
                (quartile, backend)
                for backend, taken in kept.items()
                if (quartile := _quartile(taken, samples, now - FRESH)) is not None
            ]
            heard.sort(key=_value)
            values = [value for value, _ in heard]
            for place, (value, backend) in enumerate(heard if len(heard) > 1 else ()):
                times = exp(value - _median_without(values, place))
                found[backend] = max(times, found.get(backend, 0.0))
        return found

    def usual(self, group: Group, kind: Kind, samples: int) -> float | None:
        """Return the seconds such an answer takes, whatever its size; None if nobody can say."""
        mean = self._usual.get((group, kind, 0))
        return None if mean is None or mean.count < samples else exp(mean.value)

    def forget(self, backend: Backend) -> None:
        """Begin anew with a backend."""
        for kept in self._tracks.values():
            kept.pop(backend, None)

    def keep(self, groups: frozenset[Group]) -> None:
        """Forget every group but these."""
        for track in [track for track in self._tracks if track[0] not in groups]:
            del self._tracks[track]
        for key in [key for key in self._usual if key[0] not in groups]:
            del self._usual[key]

    def _mean_of(self, group: Group, kind: Kind, size: int) -> _Mean:
        key = (group, kind, size)
        mean = self._usual.get(key)
        if mean is None:
            mean = self._usual[key] = _Mean()
        return mean


def share(slowness: float) -> float:
    """Return the part of its weight a slower backend keeps: as much as it is slower, if it is."""
    return 1.0 / slowness if slowness >= NOTICED else 1.0


def _quartile(taken: _Samples, samples: int, since: float) -> float | None:
    """Return the lower quartile of what is fresh; None if that is too little."""
    while taken and taken[0][2] < since:
        taken.popleft()
    if len(taken) < min(samples, _LAST):
        return None
    return sorted([value - usual.value for value, usual, _ in taken])[len(taken) // _QUARTER]


def _value(entry: tuple[float, Backend]) -> float:
    return entry[0]


def _median_without(values: Sequence[float], place: int) -> float:
    """Return the median of sorted values, the one at `place` left out."""
    middle, odd = divmod(len(values) - 1, 2)
    upper = values[middle + (middle >= place)]
    return upper if odd else (values[middle - 1 + (middle - 1 >= place)] + upper) / 2.0
