# %% right "step by step on a clock"
def static_batching(jobs, slots):
    done, now = [None] * len(jobs), 0
    while None in done:
        ready = [(job[0], i) for i, job in enumerate(jobs) if done[i] is None and job[0] <= now]
        if not ready:
            now += 1
            continue
        batch = [i for _, i in sorted(ready)[:slots]]
        now += max(jobs[i][1] for i in batch)
        for i in batch:
            done[i] = now
    return done

# %% right "a queue, popped from the front"
from collections import deque


def static_batching(jobs, slots):
    queue = deque(sorted((arrival, index, steps) for index, (arrival, steps) in enumerate(jobs)))
    completed, clock = {}, 0
    while queue:
        clock = max(clock, queue[0][0])
        batch = []
        while queue and len(batch) < slots and queue[0][0] <= clock:
            batch.append(queue.popleft())
        clock += max(steps for _, _, steps in batch)
        completed.update({index: clock for _, index, _ in batch})
    return [completed[index] for index in range(len(jobs))]

# %% wrong "each job answered when it is done itself" points=0
def static_batching(jobs, slots):
    done, now = [0] * len(jobs), 0
    waiting = sorted(range(len(jobs)), key=lambda i: jobs[i][0])
    while waiting:
        now = max(now, jobs[waiting[0]][0])
        batch = [i for i in waiting if jobs[i][0] <= now][:slots]
        for i in batch:
            done[i] = now + jobs[i][1]
            waiting.remove(i)
        now += max(jobs[i][1] for i in batch)
    return done

# %% wrong "waits until the batch is full" points=0
def static_batching(jobs, slots):
    done, now = [0] * len(jobs), 0
    order = sorted(range(len(jobs)), key=lambda i: jobs[i][0])
    for start in range(0, len(order), slots):
        batch = order[start : start + slots]
        now = max(now, max(jobs[i][0] for i in batch)) + max(jobs[i][1] for i in batch)
        for i in batch:
            done[i] = now
    return done

# %% wrong "arrival times ignored" points=0
def static_batching(jobs, slots):
    done, now = [0] * len(jobs), 0
    for start in range(0, len(jobs), slots):
        batch = range(start, min(start + slots, len(jobs)))
        now += max(jobs[i][1] for i in batch)
        for i in batch:
            done[i] = now
    return done

# %% wrong "completion times in order of arrival" points=0
def static_batching(jobs, slots):
    done, now = [], 0
    waiting = sorted(jobs, key=lambda job: job[0])
    while waiting:
        now = max(now, waiting[0][0])
        batch = [job for job in waiting if job[0] <= now][:slots]
        waiting = waiting[len(batch) :]
        now += max(steps for _, steps in batch)
        done += [now] * len(batch)
    return done

# %% wrong "one after the other, no batch at all" points=0
def static_batching(jobs, slots):
    done, now = [0] * len(jobs), 0
    for i in sorted(range(len(jobs)), key=lambda i: jobs[i][0]):
        now = max(now, jobs[i][0]) + jobs[i][1]
        done[i] = now
    return done
