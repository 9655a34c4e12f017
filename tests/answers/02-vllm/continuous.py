# %% right "seats as a heap of the times they get free"
import heapq


def continuous_batching(jobs, slots):
    free_at = [0] * slots
    done = [0] * len(jobs)
    for arrival, index in sorted((job[0], i) for i, job in enumerate(jobs)):
        start = max(arrival, heapq.heappop(free_at))
        done[index] = start + jobs[index][1]
        heapq.heappush(free_at, done[index])
    return done

# %% right "a clock, and the set of those who run"
def continuous_batching(jobs, slots):
    running, done, now = {}, {}, 0
    while len(done) < len(jobs):
        for i in [i for i, end in running.items() if end == now]:
            done[i] = running.pop(i)
        ready = sorted((jobs[i][0], i) for i in range(len(jobs)) if i not in running and i not in done and jobs[i][0] <= now)
        for _, i in ready[: slots - len(running)]:
            running[i] = now + jobs[i][1]
        now += 1
    return [done[i] for i in range(len(jobs))]

# %% wrong "static batching again" points=0
def continuous_batching(jobs, slots):
    done, now = [0] * len(jobs), 0
    waiting = sorted(range(len(jobs)), key=lambda i: jobs[i][0])
    while waiting:
        now = max(now, jobs[waiting[0]][0])
        batch = [i for i in waiting if jobs[i][0] <= now][:slots]
        now += max(jobs[i][1] for i in batch)
        for i in batch:
            done[i] = now
            waiting.remove(i)
    return done

# %% wrong "a seat stays empty for one step" points=0
def continuous_batching(jobs, slots):
    free_at, done = [0] * slots, [0] * len(jobs)
    for i in sorted(range(len(jobs)), key=lambda i: jobs[i][0]):
        seat = free_at.index(min(free_at))
        done[i] = max(free_at[seat], jobs[i][0]) + jobs[i][1]
        free_at[seat] = done[i] + 1
    return done

# %% wrong "only one newcomer a step" points=0
def continuous_batching(jobs, slots):
    done, left, now = [0] * len(jobs), {}, 0
    waiting = sorted(range(len(jobs)), key=lambda i: jobs[i][0])
    while waiting or left:
        if waiting and len(left) < slots and jobs[waiting[0]][0] <= now:
            job = waiting.pop(0)
            left[job] = jobs[job][1]
        now += 1
        for job in list(left):
            left[job] -= 1
            if left[job] == 0:
                done[job] = now
                del left[job]
    return done

# %% wrong "seated in the order of the list" points=0
def continuous_batching(jobs, slots):
    free_at, done = [0] * slots, [0] * len(jobs)
    for i, (arrival, steps) in enumerate(jobs):
        seat = free_at.index(min(free_at))
        done[i] = max(free_at[seat], arrival) + steps
        free_at[seat] = done[i]
    return done

# %% wrong "shortest first" points=0
def continuous_batching(jobs, slots):
    done, left, now = [0] * len(jobs), {}, 0
    waiting = list(range(len(jobs)))
    while waiting or left:
        ready = sorted((jobs[i][1], i) for i in waiting if jobs[i][0] <= now)
        for _, i in ready[: slots - len(left)]:
            waiting.remove(i)
            left[i] = jobs[i][1]
        now += 1
        for i in list(left):
            left[i] -= 1
            if left[i] == 0:
                done[i] = now
                del left[i]
    return done

# %% wrong "unlimited seats" points=0
def continuous_batching(jobs, slots):
    return [arrival + steps for arrival, steps in jobs]
