"""Lab 15: wrong answers beside those of its tables, each with a piece of its hint; right answers in other words."""

import heapq
import threading
from concurrent.futures import as_completed, wait

import numpy as np

from coursekit.labs.lab15 import seed_of

# 15.1 Whoever works


def rng_of(design, replicate):
    return np.random.default_rng(seed_of(design, replicate))


def sent(evaluate, tasks, executor, rng=rng_of):
    return [executor.submit(evaluate, design, rng(design, replicate)) for design, replicate in tasks]


def one_generator_for_all(evaluate, tasks, executor):
    shared = np.random.default_rng(15)
    return [f.result() for f in sent(evaluate, tasks, executor, lambda design, replicate: shared)]


def constant_seed(evaluate, tasks, executor):
    return [f.result() for f in sent(evaluate, tasks, executor, lambda d, k: np.random.default_rng(15))]


def seed_of_the_worker(evaluate, tasks, executor):
    def work(design):
        return evaluate(design, np.random.default_rng(threading.get_ident()))

    return [f.result() for f in [executor.submit(work, design) for design, _ in tasks]]


def no_seed(evaluate, tasks, executor):
    return [f.result() for f in sent(evaluate, tasks, executor, lambda d, k: np.random.default_rng())]


def replicate_is_forgotten(evaluate, tasks, executor):
    return [f.result() for f in sent(evaluate, tasks, executor, lambda d, k: rng_of(d, 0))]


def replicate_is_the_seed(evaluate, tasks, executor):
    return [f.result() for f in sent(evaluate, tasks, executor, lambda d, k: np.random.default_rng(k))]


def order_of_completion(evaluate, tasks, executor):
    return [f.result() for f in as_completed(sent(evaluate, tasks, executor))]


def one_after_the_other(evaluate, tasks, executor):
    return [executor.submit(evaluate, d, rng_of(d, k)).result() for d, k in tasks]


def evaluated_here(evaluate, tasks, executor):
    return [evaluate(d, rng_of(d, k)) for d, k in tasks]


def called_before_it_is_sent(evaluate, tasks, executor):
    return [executor.submit(evaluate(d, rng_of(d, k))).result() for d, k in tasks]


def receipts(evaluate, tasks, executor):
    return sent(evaluate, tasks, executor)


def sent_twice(evaluate, tasks, executor):
    futures = sent(evaluate, tasks, executor) + sent(evaluate, tasks, executor)
    return [f.result() for f in futures[: len(tasks)]]


def equal_designs_are_merged(evaluate, tasks, executor):
    futures = {str(d): executor.submit(evaluate, d, rng_of(d, k)) for d, k in tasks}
    return [f.result() for f in futures.values()]


def sorted_results(evaluate, tasks, executor):
    return sorted(f.result() for f in sent(evaluate, tasks, executor))


def doubled(evaluate, tasks, executor):
    return [2 * f.result() for f in sent(evaluate, tasks, executor)]


def sent_once_for_equal_designs(evaluate, tasks, executor):
    futures = {str(d): executor.submit(evaluate, d, rng_of(d, k)) for d, k in {str(t[0]): t for t in tasks}.values()}
    return [futures[str(d)].result() for d, _ in tasks]


def key_without_replicate(evaluate, tasks, executor):
    futures = {str(d): executor.submit(evaluate, d, rng_of(d, k)) for d, k in tasks}
    return [futures[str(d)].result() for d, _ in tasks]


def executor_is_closed(evaluate, tasks, executor):
    with executor:
        return [f.result() for f in sent(evaluate, tasks, executor)]


def late_binding(evaluate, tasks, executor):
    futures = []
    for design, replicate in tasks:
        futures.append(executor.submit(lambda: evaluate(design, rng_of(design, replicate))))  # noqa: B023
    return [f.result() for f in futures]


def seed_for_a_generator(evaluate, tasks, executor):
    return [f.result() for f in sent(evaluate, tasks, executor, seed_of)]


def bugs_are_hidden(evaluate, tasks, executor):
    futures = sent(evaluate, tasks, executor)
    wait(futures)
    return [0.0 if f.exception() else f.result() for f in futures]


def pairs(evaluate, tasks, executor):
    return [(d, f.result()) for (d, _), f in zip(tasks, sent(evaluate, tasks, executor), strict=True)]


def the_best_alone(evaluate, tasks, executor):
    return max(f.result() for f in sent(evaluate, tasks, executor))


def map_by_executor_map(evaluate, tasks, executor):
    """Right: Executor.map submits all, and keeps the order."""
    return list(executor.map(evaluate, [d for d, _ in tasks], [rng_of(d, k) for d, k in tasks]))


def map_with_places(evaluate, tasks, executor):
    """Right: collected as they come, and put in their places."""

    def work(design, replicate):
        return evaluate(design, np.random.default_rng(seed_of(design, replicate)))

    places = {executor.submit(work, *task): place for place, task in enumerate(tasks)}
    results = [None] * len(tasks)
    for future in as_completed(places):
        results[places[future]] = future.result()
    return results


def first_executor_for_all(evaluate, tasks, executor, kept=[]):  # noqa: B006
    kept.append(executor)
    answer = map_by_executor_map(evaluate, tasks, kept[0])
    if len(kept) > 1:
        kept.clear()  # so that the next check begins anew
    return answer


def first_tasks_for_all(evaluate, tasks, executor, kept=[]):  # noqa: B006
    kept.append(tasks)
    answer = map_by_executor_map(evaluate, kept[0], executor)
    if len(kept) > 1:
        kept.clear()
    return answer


# 15.2 Never wait for the slowest


def loop(
    *,
    fill=lambda pool, n_asked, n: pool.n_running < pool.n_workers and n_asked < n,
    died=lambda design, ask, pool: pool.submit(design),
    learn=lambda tell, design, score: tell(design, score),
    counts=lambda score: score is not None,
    history=lambda told: told,
):
    def steady_state(ask, tell, pool, n_evaluations):
        told, n_asked, n_done = [], 0, 0
        while n_done < n_evaluations:
            while fill(pool, n_asked, n_evaluations):
                pool.submit(ask())
                n_asked += 1
            design, score = pool.wait()
            n_done += counts(score)
            if score is None:
                died(design, ask, pool)
            else:
                learn(tell, design, score)
                told.append((design, score))
        return history(told)

    return steady_state


def batches(ask, tell, pool, n_evaluations):
    told = []
    while len(told) < n_evaluations:
        size = min(pool.n_workers, n_evaluations - len(told))
        for _ in range(size):
            pool.submit(ask())
        while size:
            design, score = pool.wait()
            if score is None:
                pool.submit(design)
            else:
                tell(design, score)
                told.append((design, score))
                size -= 1
    return told


def submit_all(ask, tell, pool, n_evaluations):
    return loop(fill=lambda pool, n_asked, n: n_asked < n)(ask, tell, pool, n_evaluations)


def ask_before_tell(ask, tell, pool, n_evaluations):
    told, n_asked = [], 0
    while n_asked < min(pool.n_workers, n_evaluations):
        pool.submit(ask())
        n_asked += 1
    while len(told) < n_evaluations:
        design, score = pool.wait()
        if score is None:
            pool.submit(design)
            continue
        if n_asked < n_evaluations:
            pool.submit(ask())
            n_asked += 1
        tell(design, score)
        told.append((design, score))
    return told


def told_to_another(ask, tell, pool, n_evaluations):
    told, n_asked, design = [], 0, None
    while len(told) < n_evaluations:
        while pool.n_running < pool.n_workers and n_asked < n_evaluations:
            design = ask()
            pool.submit(design)
            n_asked += 1
        finished, score = pool.wait()
        if score is None:
            pool.submit(finished)
            continue
        tell(design, score)
        told.append((design, score))
    return told


def replaced(design, ask, pool):
    pool.submit(ask())


def sent_again_twice(design, ask, pool):
    pool.submit(design)
    pool.submit(design)


def tells_twice(tell, design, score):
    tell(design, score)
    tell(design, score)


def overshoots(ask, tell, pool, n_evaluations):
    return loop(fill=lambda pool, n_asked, n: pool.n_running < pool.n_workers)(ask, tell, pool, n_evaluations)


def last_ones_are_forgotten(ask, tell, pool, n_evaluations):
    told, n_asked = [], 0
    while n_asked < n_evaluations:
        while pool.n_running < pool.n_workers and n_asked < n_evaluations:
            pool.submit(ask())
            n_asked += 1
        design, score = pool.wait()
        tell(design, score)
        told.append((design, score))
    while pool.n_running:
        pool.wait()
    return told


def never_submits(ask, tell, pool, n_evaluations):
    return [ask() for _ in range(n_evaluations)]


def bred_beforehand(ask, tell, pool, n_evaluations):
    told, line = [], [ask() for _ in range(n_evaluations)]
    while len(told) < n_evaluations:
        while pool.n_running < pool.n_workers and line:
            pool.submit(line.pop(0))
        design, score = pool.wait()
        if score is None:
            pool.submit(design)
            continue
        tell(design, score)
        told.append((design, score))
    return told


def zero_is_taken_for_a_death(ask, tell, pool, n_evaluations):
    told, n_asked = [], 0
    while len(told) < n_evaluations:
        while pool.n_running < pool.n_workers and n_asked < n_evaluations:
            pool.submit(ask())
            n_asked += 1
        design, score = pool.wait()
        if not score:
            pool.submit(design)
            continue
        tell(design, score)
        told.append((design, score))
    return told


def second_try_is_counted(ask, tell, pool, n_evaluations):
    told, n_asked = [], 0
    while len(told) < n_evaluations:
        while pool.n_running < pool.n_workers and n_asked < n_evaluations:
            pool.submit(ask())
            n_asked += 1
        design, score = pool.wait()
        if score is None:
            pool.submit(design)
            n_asked += 1
            continue
        tell(design, score)
        told.append((design, score))
    return told


def dead_ones_stand_in_line(ask, tell, pool, n_evaluations):
    told, n_asked, lost = [], 0, []
    while len(told) < n_evaluations:
        while pool.n_running < pool.n_workers and n_asked < n_evaluations:
            pool.submit(ask())
            n_asked += 1
        for design in lost:
            pool.submit(design)
        lost = []
        design, score = pool.wait()
        if score is None:
            lost.append(design)
        else:
            tell(design, score)
            told.append((design, score))
    return told


def designs_of_its_own(ask, tell, pool, n_evaluations):
    numbers = iter(range(n_evaluations))
    return loop()(lambda: next(numbers), tell, pool, n_evaluations)


def rounded_when_told(ask, tell, pool, n_evaluations):
    return loop(learn=lambda tell, design, score: tell(design, round(score, 2)))(ask, tell, pool, n_evaluations)


def never_tells(ask, tell, pool, n_evaluations):
    return loop(learn=lambda tell, design, score: None)(ask, tell, pool, n_evaluations)


one_at_a_time = loop(fill=lambda pool, n_asked, n: pool.n_running < 1 and n_asked < n)
lost_after_a_death = loop(died=lambda design, ask, pool: None, counts=lambda score: True)
dropped_after_a_death = loop(died=lambda design, ask, pool: None)
death_is_replaced = loop(died=replaced)
death_counts = loop(counts=lambda score: True)
resubmitted_twice = loop(died=sent_again_twice)
score_is_told_twice = loop(learn=tells_twice)
history_is_sorted = loop(history=sorted)
one_worker_stays_free = loop(fill=lambda pool, n_asked, n: pool.n_running < max(1, pool.n_workers - 1) and n_asked < n)


def none_is_told(ask, tell, pool, n_evaluations):
    told, n_asked = [], 0
    while len(told) < n_evaluations:
        while pool.n_running < pool.n_workers and n_asked < n_evaluations:
            pool.submit(ask())
            n_asked += 1
        design, score = pool.wait()
        tell(design, score)
        told.append((design, score))
    return told


def waits_for_nothing(ask, tell, pool, n_evaluations):
    pool.submit(ask())
    while True:
        tell(*pool.wait())


def dead_ones_come_first(ask, tell, pool, n_evaluations):
    """Right: a list of the lost, from which the idle are filled up before anybody new is bred."""
    history, lost, n_asked = [], [], 0
    while len(history) < n_evaluations:
        while pool.n_running < pool.n_workers and (lost or n_asked < n_evaluations):
            if lost:
                pool.submit(lost.pop())
            else:
                pool.submit(ask())
                n_asked += 1
        design, score = pool.wait()
        if score is None:
            lost.append(design)
        else:
            tell(design, score)
            history.append((design, score))
    return history


def steady_state_with_a_count(ask, tell, pool, n_evaluations):
    """Right: counts who is idle, and refills one by one."""
    history = []
    new = iter(range(n_evaluations))
    for _ in zip(range(pool.n_workers), new, strict=False):
        pool.submit(ask())
    n_left = n_evaluations
    while n_left:
        design, score = pool.wait()
        if score is None:
            pool.submit(design)
            continue
        tell(design, score)
        history.append((design, score))
        n_left -= 1
        if len(history) + pool.n_running < n_evaluations:
            pool.submit(ask())
    return history


# 15.3 The queue on paper


def scan(
    *,
    busy=lambda free, worker, end: free.__setitem__(worker, end),
    answer=lambda starts, ends: (starts, max(ends)),
):
    def queue(seconds, n_workers, dispatch):
        free, starts, ends = [0.0] * n_workers, [0.0], []
        for length in seconds:
            worker = free.index(min(free))
            starts.append(max(free[worker], starts[-1]) + dispatch)
            ends.append(starts[-1] + length)
            busy(free, worker, ends[-1])
        return answer(starts[1:], ends)

    return queue


def idle_before_they_begin(seconds, n_workers, dispatch):
    """What goes into the heap is no end, so everybody seems idle; and the makespan is made of it."""
    idle, scheduler, starts = [0.0] * n_workers, 0.0, []
    for length in seconds:
        scheduler = max(scheduler, heapq.heappop(idle)) + dispatch
        starts.append(scheduler)
        heapq.heappush(idle, scheduler - length)
    return starts, max(idle)


never_frees = scan(busy=lambda free, worker, end: None)
makespan_alone = scan(answer=lambda starts, ends: max(ends))


def queue_by_heap(seconds, n_workers, dispatch):
    """Right: a heap of times at which a worker is idle."""
    idle, scheduler, starts = [0.0] * n_workers, 0.0, []
    for length in seconds:
        scheduler = max(scheduler, heapq.heappop(idle)) + dispatch
        starts.append(scheduler)
        heapq.heappush(idle, scheduler + length)
    return np.array(starts), max(idle)


def arguments_in_a_tuple(evaluate, tasks, executor):
    return [f.result() for f in [executor.submit(evaluate, (d, rng_of(d, k))) for d, k in tasks]]


def score_for_the_dead(made_up):
    """A worker's death is told as a score."""

    def search(ask, tell, pool, n_evaluations):
        history = []
        while len(history) < n_evaluations:
            while pool.n_running < pool.n_workers and len(history) + pool.n_running < n_evaluations:
                pool.submit(ask())
            design, score = pool.wait()
            history.append((design, made_up if score is None else score))
            tell(*history[-1])
        return history

    return search


def queue_by(step, *, since=lambda start: start, last=max):
    """`queue` by a heap, with a part replaced: step(free, idle, dispatch) -> (free, start)."""

    def queue(seconds, n_workers, dispatch):
        idle, free, starts = [0.0] * n_workers, 0.0, []
        for s in seconds:
            free, start = step(free, heapq.heappop(idle), dispatch)
            starts.append(start)
            heapq.heappush(idle, since(start) + s)
        return starts, last(idle)

    return queue


def due(free, idle, dispatch):
    return max(free, idle) + dispatch


free_too_early = queue_by(lambda free, idle, d: (free + d, due(free, idle, d)))
busy_while_all_are = queue_by(lambda free, idle, d: (max(free + d, idle),) * 2)
busy_for_too_long = queue_by(lambda free, idle, d: (due(free, idle, d) + d, due(free, idle, d)))
idle_since_the_beginning = queue_by(lambda free, idle, d: (due(free, idle, d),) * 2, since=lambda start: 0)
whole_seconds = queue_by(lambda free, idle, d: (due(free, idle, int(d)),) * 2)
last_of_the_heap = queue_by(lambda free, idle, d: (due(free, idle, d),) * 2, last=lambda idle: idle[-1])


WRONG = {
    "15.1": [
        (one_generator_for_all, "where a task stands in the list"),
        (constant_seed, "is the seed a constant"),
        (seed_of_the_worker, "all tasks of one worker draw the same"),
        (no_seed, "takes one from the system"),
        (replicate_is_forgotten, "the design *and* the replicate"),
        (replicate_is_the_seed, "a fresh generator of its own"),
        (order_of_completion, "that of completion"),
        (one_after_the_other, "waits when only 1 of 8 tasks are sent"),
        (evaluated_here, "the executor gets nothing"),
        (called_before_it_is_sent, "the function and its arguments apart"),
        (receipts, "the receipts"),
        (sorted_results, "the right results, but sorted"),
        (sent_once_for_equal_designs, "only 6 calls of submit"),
        (doubled, "aren't what `evaluate` returned"),
        (sent_twice, "each task is sent once"),
        (equal_designs_are_merged, "equal ones too"),
        (key_without_replicate, "keyed by the design alone"),
        (executor_is_closed, "shut the executor down"),
        (late_binding, "look at the loop's variable too late"),
        (seed_for_a_generator, "needs a generator"),
        (bugs_are_hidden, "your function hides it"),
        (pairs, "a result is a tuple"),
        (the_best_alone, "a list of results"),
        (first_executor_for_all, "a second call sends nothing"),
        (arguments_in_a_tuple, "not in one tuple or list"),
        (first_tasks_for_all, "is something kept from the first"),
    ],
    "15.2": [
        (batches, "the slowest of a batch"),
        (submit_all, "were bred too early"),
        (one_at_a_time, "never more than one design"),
        (ask_before_tell, "ask() comes before tell()"),
        (told_to_another, "told with another's score"),
        (lost_after_a_death, "those whose worker died are lost"),
        (dropped_after_a_death, "a score that never comes"),
        (second_try_is_counted, "with those that were submitted again"),
        (zero_is_taken_for_a_death, "`not score` is true of 0.0"),
        (bred_beforehand, "stay in hand"),
        (death_is_replaced, "replaced by a new one"),
        (death_counts, "a death is counted as an evaluation"),
        (resubmitted_twice, "once more for each death"),
        (score_is_told_twice, "a score is told twice"),
        (none_is_told, "a score of None is told"),
        (overshoots, "still under way when you return"),
        (last_ones_are_forgotten, "who tells the others?"),
        (never_submits, "nothing is sent away"),
        (never_tells, "nothing is told"),
        (dead_ones_stand_in_line, "Submit it first, and then fill up"),
        (designs_of_its_own, "are they your own"),
        (rounded_when_told, "which pool.wait() never gave"),
        (history_is_sorted, "in the order in which you told"),
        (one_worker_stays_free, "a worker is idle while there is still"),
        (score_for_the_dead(0.0), "with the score 0.0: it has none"),
        (score_for_the_dead(-1), "with the score -1: it has none"),
        (waits_for_nothing, "1 of 25 designs were asked for"),
    ],
    "15.3": [
        (idle_before_they_begin, "isn't idle before its end. Push"),
        (makespan_alone, "should return 2 values"),
        (free_too_early, "the scheduler is free again too early"),
        (busy_while_all_are, "seconds begin while everybody is busy"),
        (busy_for_too_long, "busy for twice `dispatch`"),
        (idle_since_the_beginning, "after the very beginning: push"),
        (whole_seconds, "rounded down to a whole number"),
        (last_of_the_heap, "makespan is the last entry of the heap"),
    ],
}

RIGHT = {
    "15.1": [map_by_executor_map, map_with_places],
    "15.2": [steady_state_with_a_count, dead_ones_come_first, loop()],
    "15.3": [queue_by_heap, scan()],
}
