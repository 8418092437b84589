"""What lab 15 asks of a loop that never waits for the slowest: a pool of workers in virtual time, and who is idle."""

import heapq
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from coursekit.feedback import Student, TryAgain, hidden, refuse

__all__ = ["Pool", "judge_steady_state"]


class Pool:
    """Workers in virtual time: `submit(design)` sends a design away, `wait()` gives (design, score) of the next.

    Args:
        seconds: design -> how long its evaluation takes.
        score: design -> its score.
        n_workers: how many work at the same time; more designs than that stand in line.
        deaths: numbers of the submissions (0, 1, ...) whose worker dies: `wait` gives None as their score.
    """

    def __init__(
        self,
        seconds: Callable[[Any], float],
        score: Callable[[Any], float],
        n_workers: int,
        deaths: Sequence[int] = (),
    ) -> None:
        self.n_workers, self.clock = n_workers, 0.0
        self.n_submitted = 0
        self.log: list[tuple[Any, int, float, float]] = []
        self._seconds, self._score, self._deaths = seconds, score, set(deaths)
        self._free = [(0.0, worker) for worker in range(n_workers)]
        self._running: list[tuple[float, int, Any]] = []

    @property
    def n_running(self) -> int:
        """How many designs are under way."""
        return len(self._running)

    def submit(self, design: Any) -> None:
        """Send a design to the next idle worker."""
        free, worker = heapq.heappop(self._free)
        start = max(self.clock, free)
        end = start + self._seconds(design)
        heapq.heappush(self._free, (end, worker))
        heapq.heappush(self._running, (end, self.n_submitted, design))
        self.log.append((design, worker, start, end))
        self.n_submitted += 1

    def wait(self) -> tuple[Any, float | None]:
        """Wait for the next that ends: its design and its score, or None if its worker died."""
        if not self._running:
            raise TryAgain("you call pool.wait() while nothing is under way: it would wait for ever.")
        self.clock, number, design = heapq.heappop(self._running)
        return design, None if number in self._deaths else self._score(design)


def _score(design: int) -> float:
    return float(np.sin(design - 3))  # one of the first is 0, and no death


class _Watched:
    """A pool, an ask and a tell that notice how they are used."""

    def __init__(self, n_workers: int, n_evaluations: int, deaths: Sequence[int] = ()) -> None:
        draws = np.random.default_rng(hidden(n_workers)).lognormal(0, 1, 500)
        self.n, self.n_asked, self.told, self.idle, self.full = n_evaluations, 0, list[Any](), 0, 0
        self.early, self.news, self.lost = 0, 0, list[int]()
        self.ahead, self.new, self.scored = 0, 0, dict[int, float]()  # in hand while all work; sent at all; evaluated
        self.refills, self.fresh = list[int](), False  # how many were under way when somebody new was sent
        self.sent, self.n_waits, self.in_line = Counter[int](), 0, list[bool]()  # in line: was it sent before?
        self.pool = Pool(lambda d: float(draws[d % 500]), _score, n_workers, deaths)
        self._submit, self._wait = self.pool.submit, self.pool.wait
        self.pool.submit, self.pool.wait = self.submit, self.wait  # type: ignore[method-assign]

    def ask(self) -> int:
        in_hand = self.n_asked - self.new
        if self.pool.n_running + in_hand >= self.pool.n_workers:
            self.ahead = max(self.ahead, in_hand + 1)
        self.n_asked += 1
        self.early += self.news
        refuse(
            self.n_asked > self.n + 200,
            f"ask() is called more than {self.n + 200} times for {self.n} evaluations: your loop doesn't end.",
        )
        return self.n_asked - 1

    def submit(self, design: Any) -> None:
        refuse(
            not isinstance(design, int),
            f"pool.submit takes a design, what ask() gives; it got a {type(design).__name__}.",
        )
        if design in self.scored and design not in [d for d, _ in self.told]:
            only = "only then is its score None."
            only += " (`not score` is true of 0.0, too.)" if self.scored[design] == 0 else ""
            told = "those with other scores are told. Ask `score is None`: `not score` is true of 0.0, too."
            refuse(
                True,
                f"a design is submitted again that came back with a score, {self.scored[design]:.3g}, as if its worker "
                f"had died: {told if self.scored[design] == 0 and self.told else only}",
            )
        refuse(
            self.pool.n_submitted > self.n + 200,
            f"more than {self.n + 200} designs are sent away for {self.n} evaluations: your loop doesn't end.",
        )
        if self.fresh and design not in self.lost:
            self.refills.append(self.pool.n_running)
            self.fresh = False
        if self.pool.n_running >= self.pool.n_workers:
            self.in_line.append(design in self.lost)
        self.new += design not in self.lost
        self.sent[design] += 1
        self._submit(design)
        self.full = max(self.full, self.pool.n_running)

    def wait(self) -> tuple[Any, float | None]:
        # Somebody is idle, although designs are still to be evaluated.
        rest = self.n - len(self.told) - self.pool.n_running
        self.idle += self.pool.n_running < self.pool.n_workers and rest > 0
        if not self.pool.n_running and self.lost:
            refuse(
                self.not_again(),
                "you wait for a score that never comes: its worker died, and the design wasn't submitted again.",
            )
            refuse(
                self.n_asked < self.n <= self.pool.n_submitted,
                f"you wait for {self.n} scores, but ask() was called {self.n_asked} times only; with those that were "
                f"submitted again {self.pool.n_submitted} designs were sent. A design that is submitted again is no "
                "new one: does your condition for asking count it, or its death?",
            )
            refuse(
                0 < self.n_asked < self.n,
                f"you wait for {self.n} scores, but ask() was called {self.n_asked} times only, and nothing is under "
                f"way: {len(self.told)} scores are told, {len(self.lost)} workers died. What does your condition for "
                "asking count?",
            )
        refuse(
            not self.pool.n_running and len(self.told) >= self.n,
            f"all {self.n} scores have come and are told, and you wait for another: what does your loop count?",
        )
        refuse(
            not self.pool.n_running and not self.lost and 0 < self.n_asked < self.n,
            f"{self.n_asked} of {self.n} designs were asked for, all their scores have come, and you wait for another: "
            "is a new one asked for after each score, and what does the condition for that count?",
        )
        refuse(
            not self.pool.n_running and self.pool.n_submitted and self.n_asked >= self.n,
            f"you wait while nothing is under way: {len(self.scored)} scores have come, and {len(self.told)} of them "
            f"are told, of {self.n}. What does your loop count, and is every score told?",
        )
        design, score = self._wait()
        self.n_waits += 1
        self.fresh = True
        if score is None:
            self.lost.append(design)
        else:
            self.scored[design] = score
        self.news = int(score is not None)
        return design, score

    def not_again(self) -> list[int]:
        """The designs whose worker died, and that nobody submitted after it."""
        return [design for design in set(self.lost) if self.sent[design] <= self.lost.count(design)]

    def tell(self, design: Any, score: Any) -> None:
        refuse(
            score is None,
            "a score of None is told: that worker died, and there is no score. Submit the same design again.",
        )
        refuse(
            design in self.lost and design not in self.scored,
            f"a design whose worker died is told with the score {score!r:.40}: it has none, and none may be made "
            "up for it. Submit the same design again.",
        )
        refuse(
            not isinstance(design, int) or not isinstance(score, float),
            f"tell gets a {type(design).__name__} and a {type(score).__name__}: it takes the design and its score, "
            "tell(design, score), as pool.wait() gives them.",
        )
        refuse(
            score != _score(design) and score in self.scored.values(),
            "a design is told with another's score. pool.wait() says whose it is: use its design.",
        )
        refuse(
            score != _score(design),
            f"a design is told with the score {score:.6g}, which pool.wait() never gave: tell each score as it is.",
        )
        self.news = 0
        self.told.append((design, score))


def judge_steady_state(student: Student) -> None:
    """Five pools: many workers, one, more than there are evaluations, and workers who die."""

    def run(n_workers: int, n: int, deaths: Sequence[int] = ()) -> None:
        w = _Watched(n_workers, n, deaths)
        history = student(w.ask, w.tell, w.pool, n)
        refuse(w.pool.n_submitted == 0, "nothing is sent away: pool.submit(ask()) gives a new design to a worker.")
        refuse(
            w.n_asked == 0,
            "`ask` is never called, and designs are submitted: are they your own, or those of an `ask` that an earlier "
            "call was given? This call's ask() brings them.",
        )
        refuse(
            not w.n_waits,
            f"{sum(w.sent.values())} designs are submitted, and pool.wait() is never called: who fetches their scores? "
            "Wait, tell, and send the next, until all are told.",
        )
        refuse(not w.told, "nothing is told: tell(design, score) lets the search learn, after each wait.")
        often = [d for d, k in w.sent.items() if k > 1 + w.lost.count(d)]
        refuse(
            often,
            f"a design is submitted {w.sent[often[0]] if often else 0} times, and its worker died "
            f"{w.lost.count(often[0]) if often else 0} times: submit it once, and once more for each death.",
        )
        refuse(
            w.pool.n_submitted > w.n_asked + len(w.lost),
            f"{w.pool.n_submitted - len(w.lost)} designs are submitted, and ask() gave {w.n_asked}: submit what it "
            "gives, and nothing else.",
        )
        refuse(
            w.full > n_workers and all(w.in_line),
            f"{w.full} designs are under way on {n_workers} workers: a design whose worker died is submitted when "
            "others have taken all places. Submit it first, and then fill up.",
        )
        refuse(
            w.full > n_workers,
            f"{w.full} designs are under way on {n_workers} workers: those in line were bred too early, without the "
            "scores that came since. Ask only when a worker is idle.",
        )
        refuse(
            w.ahead > 0,
            "ask() is called though the designs under way and in hand are enough for all workers: designs "
            f"({w.ahead} at most) stay in hand, and know nothing of the scores that come meanwhile. Ask when a worker "
            "is idle, and submit at once.",
        )
        refuse(
            w.full == 1 and n_workers > 1,
            f"never more than one design is under way, so {n_workers - 1} of {n_workers} workers are idle. Fill all "
            "of them before you wait.",
        )
        designs = [d for d, _ in w.told]
        refuse(len(set(designs)) < len(designs), "a score is told twice, so an evaluation counts double.")
        refuse(
            w.n_asked > n and w.not_again(),
            "a design whose worker died is replaced by a new one. Submit the same design again, or it is lost.",
        )
        refuse(
            len(w.told) < n == w.n_waits and w.lost and not w.not_again(),
            f"your loop ends after {n} waits, of which {len(w.lost)} brought None, so a death is counted as an "
            f"evaluation: only {len(w.told)} scores are told. Count scores.",
        )
        refuse(
            len(w.told) < n and w.not_again(),
            f"{n} evaluations were asked for, and {len(w.told)} scores are told: those whose worker died are lost. "
            "A score of None counts nothing; submit that design again.",
        )
        refuse(
            n_workers > 1 and len(w.refills) > 0 and max(w.refills) == 0,
            "while the slowest of a batch is under way, the others are idle: you refill only when all have finished. "
            "Refill after each wait.",
        )
        refuse(
            w.early > 0,
            "ask() comes before tell() of what has just finished, so the new design is bred without the newest score.",
        )
        refuse(
            len(w.told) > n or (w.n_asked > n and w.pool.n_running == 0),
            f"{n} evaluations were asked for, but {max(len(w.told), w.n_asked)} designs are asked for and paid.",
        )
        refuse(
            w.pool.n_running > 0,
            f"{w.pool.n_running} designs are still under way when you return: their work is thrown away. Stop asking "
            f"after {n} designs, and wait for the last ones.",
        )
        refuse(
            len(w.told) < n <= len(w.scored),
            f"{len(w.scored)} scores have come, and only {len(w.told)} of them are told: who tells the others?",
        )
        refuse(
            len(w.told) < n,
            f"{n} evaluations were asked for, but only {len(w.told)} scores are told, after {w.n_waits} waits. Who "
            "waits for the last ones?",
        )
        refuse(
            w.idle > 0,
            "a worker is idle while there is still something to evaluate: after each wait, fill up what is free, also "
            "after a worker died.",
        )
        pairs = [tuple(pair) for pair in history if np.shape(pair) == (2,)] if isinstance(history, list) else None
        refuse(pairs is None, f"return a list of (design, score), and not a {type(history).__name__}.")
        odd = next((i for i, (one, told) in enumerate(zip(pairs or [], w.told, strict=False)) if one != told), 0)
        refuse(
            len(pairs or []) == len(w.told) and pairs != w.told,
            f"the list that you return isn't what you told, in the order in which you told it: its entry {odd} is "
            f"{(pairs or w.told)[odd]}, and {w.told[odd]} was told.",
        )
        refuse(
            pairs != w.told,
            f"the list that you return holds {len(pairs or [])} pairs (design, score), and should hold those of all "
            f"{len(w.told)} evaluations, in the order in which you told them.",
        )

    run(4, 25)
    run(1, 5)
    run(3, 20, deaths=(2, 7, 8, 9, 15))
    run(8, 5)  # more workers than evaluations
    run(2, 6, deaths=(0, 2, 3, 4))
