"""How a proxy shared its load out: by weight, by load at the moment of choice, by prefix.

Which engine answered stands in the answers; how many requests each had under way when a choice was
made follows from when they were sent and ended. Nothing has to be asked of the proxy.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks.load.observed import Observed
from benchmarks.method.figures import Figures, complete, tokens


def sharing(observed: Sequence[Observed], weights: Mapping[str, float]) -> Figures:
    """Return how far the load was from what the weights ask for; None without any answer.

    `weights` names every engine. The error of a share is a difference of shares: 0.02 is two of a
    hundred requests gone elsewhere. `chance_error_share` is what dice thrown by weight show in the
    median: a policy with less than that balances.
    """
    done = [one for one in observed if complete(one) and one.engine in weights]
    if not done:
        return {}
    wanted = {name: weight / sum(weights.values()) for name, weight in weights.items()}
    by_request = Counter(one.engine for one in done)
    by_token: Counter[str] = Counter()
    for one in done:
        by_token[one.engine] += tokens(one)
    wrong, excess = choices(done, weights)
    return {
        **{f"share:{name}": by_token[name] / sum(by_token.values()) for name in weights},
        **{f"want:{name}": share for name, share in wanted.items()},
        "requests": float(len(done)),
        "request_error_share": _error(by_request, wanted),
        "token_error_share": _error(by_token, wanted),
        "chance_error_share": _chance(len(done), list(wanted.values())),
        "busier_share": wrong / len(done),
        "busier_by": excess / len(done),
    }


def choices(done: Sequence[Observed], weights: Mapping[str, float]) -> tuple[int, float]:
    """Return how many requests went to an engine that was not the least busy, and by how much.

    Busy is requests under way per weight, the mean weight being 1. The excess is a sum over all
    requests: load of the chosen engine less load of the least busy one.
    """
    mean = sum(weights.values()) / len(weights)
    events = sorted(
        [(one.sent_ns, 1, one.engine) for one in done]
        + [(one.ended_ns, 0, one.engine) for one in done]
    )
    under_way = dict.fromkeys(weights, 0)
    wrong, excess = 0, 0.0
    for _, begins, engine in events:
        if not begins:
            under_way[engine] -= 1
            continue
        load = {name: count * mean / weights[name] for name, count in under_way.items()}
        over = load[engine] - min(load.values())
        wrong += over > 1e-9
        excess += over
        under_way[engine] += 1
    return wrong, excess


def _error(seen: Mapping[str, int], wanted: Mapping[str, float]) -> float:
    """Return half the sum of differences: the share that went to another engine than it should."""
    total = sum(seen.values()) or 1
    return sum(abs(seen.get(name, 0) / total - share) for name, share in wanted.items()) / 2


def _chance(requests: int, wanted: Sequence[float], throws: int = 2000) -> float:
    """Return the median error of independent random choices by weight."""
    drawn = np.random.default_rng(0).multinomial(requests, wanted, size=throws) / requests
    return float(np.median(np.abs(drawn - np.asarray(wanted)).sum(axis=1) / 2))
