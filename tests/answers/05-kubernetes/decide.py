# %% right "a class with one method for each brake"
class Brakes:
    def __init__(self, current, behavior, changes):
        self.current, self.behavior, self.changes = current, behavior, changes

    def window(self, way, wanted, wishes, pick):
        seconds = self.behavior[way]["stabilizationWindowSeconds"]
        return pick([wanted] + [number for age, number in wishes if age < seconds])

    def pace(self, way, sign):
        rules = self.behavior[way]
        if rules["selectPolicy"] == "Disabled":
            return 0
        steps = []
        for policy in rules["policies"]:
            recent = sum(c for age, c in self.changes if age < policy["periodSeconds"])
            start = self.current - recent
            if policy["type"] == "Pods":
                there = start + sign * policy["value"]
            elif sign > 0:
                there = -((-start * (100 + policy["value"])) // 100)
            else:
                there = (start * (100 - policy["value"])) // 100
            steps.append(max(0, sign * (there - self.current)))
        return max(steps) if rules["selectPolicy"] == "Max" else min(steps)


def decide(current, wanted, wishes, changes, behavior, low, high):
    brakes = Brakes(current, behavior, changes)
    lower = brakes.window("scaleUp", wanted, wishes, min)
    upper = brakes.window("scaleDown", wanted, wishes, max)
    if lower > current:
        return min(lower, current + brakes.pace("scaleUp", 1), high)
    if upper < current:
        return max(upper, current - brakes.pace("scaleDown", -1), low)
    return current

# %% right "two functions, mirrored by hand"
def _started(current, changes, period):
    for age, change in changes:
        if age < period:
            current -= change
    return current


def _most(current, changes, rules):
    found = []
    for p in rules["policies"]:
        start = _started(current, changes, p["periodSeconds"])
        found.append(start + p["value"] if p["type"] == "Pods" else math.ceil(start * (1 + p["value"] / 100)))
    return {"Max": max, "Min": min}[rules["selectPolicy"]](found)


def _least(current, changes, rules):
    found = []
    for p in rules["policies"]:
        start = _started(current, changes, p["periodSeconds"])
        found.append(start - p["value"] if p["type"] == "Pods" else int(start * (1 - p["value"] / 100)))
    return {"Max": min, "Min": max}[rules["selectPolicy"]](found)


def decide(current, wanted, wishes, changes, behavior, low, high):
    up, down = behavior["scaleUp"], behavior["scaleDown"]
    for_up = for_down = wanted
    for age, number in wishes:
        if age < up["stabilizationWindowSeconds"] and number < for_up:
            for_up = number
        if age < down["stabilizationWindowSeconds"] and number > for_down:
            for_down = number
    goal = current
    if goal < for_up:
        goal = for_up
    if goal > for_down:
        goal = for_down
    if goal > current and up["selectPolicy"] != "Disabled":
        goal = min(goal, max(current, _most(current, changes, up)), high)
    elif goal < current and down["selectPolicy"] != "Disabled":
        goal = max(goal, min(current, _least(current, changes, down)), low)
    else:
        goal = current
    return goal

# %% wrong "no windows" points=0
def decide(current, wanted, wishes, changes, behavior, low, high):
    goal = wanted
    rules = behavior["scaleUp"] if goal > current else behavior["scaleDown"]
    if goal == current or rules["selectPolicy"] == "Disabled":
        return current
    sign = 1 if goal > current else -1
    allowed = []
    for policy in rules["policies"]:
        start = current - sum(change for age, change in changes if age < policy["periodSeconds"])
        if policy["type"] == "Pods":
            allowed.append(start + sign * policy["value"])
        else:
            share = start * (1 + sign * policy["value"] / 100)
            allowed.append(math.ceil(share) if sign > 0 else math.floor(share))
    far, near = (max, min) if sign > 0 else (min, max)
    limit = far(allowed) if rules["selectPolicy"] == "Max" else near(allowed)
    return min(goal, max(limit, current), high) if sign > 0 else max(goal, min(limit, current), low)

# %% wrong "no pace" points=0
def decide(current, wanted, wishes, changes, behavior, low, high):
    up, down = behavior["scaleUp"], behavior["scaleDown"]
    low_mark = min([wanted, *(wish for age, wish in wishes if age < up["stabilizationWindowSeconds"])])
    high_mark = max([wanted, *(wish for age, wish in wishes if age < down["stabilizationWindowSeconds"])])
    return max(low, min(high, min(max(current, low_mark), high_mark)))

# %% wrong "the last wish of the window instead of the smallest and largest" points=0
def decide(current, wanted, wishes, changes, behavior, low, high):
    rules = behavior["scaleUp"] if wanted > current else behavior["scaleDown"]
    inside = [(age, wish) for age, wish in wishes if age < rules["stabilizationWindowSeconds"]]
    goal = max(inside)[1] if inside else wanted
    if goal == current or rules["selectPolicy"] == "Disabled":
        return current
    sign = 1 if goal > current else -1
    allowed = []
    for policy in rules["policies"]:
        start = current - sum(change for age, change in changes if age < policy["periodSeconds"])
        share = start + sign * policy["value"] if policy["type"] == "Pods" else start * (1 + sign * policy["value"] / 100)
        allowed.append(math.ceil(share) if sign > 0 else math.floor(share))
    far, near = (max, min) if sign > 0 else (min, max)
    limit = far(allowed) if rules["selectPolicy"] == "Max" else near(allowed)
    return min(goal, max(limit, current), high) if sign > 0 else max(goal, min(limit, current), low)

# %% wrong "percent of now, not of the period's beginning" points=0
def decide(current, wanted, wishes, changes, behavior, low, high):
    up, down = behavior["scaleUp"], behavior["scaleDown"]
    low_mark = min([wanted, *(wish for age, wish in wishes if age < up["stabilizationWindowSeconds"])])
    high_mark = max([wanted, *(wish for age, wish in wishes if age < down["stabilizationWindowSeconds"])])
    goal = min(max(current, low_mark), high_mark)
    rules = up if goal > current else down
    if goal == current or rules["selectPolicy"] == "Disabled":
        return current
    sign = 1 if goal > current else -1
    allowed = []
    for policy in rules["policies"]:
        share = current + sign * policy["value"] if policy["type"] == "Pods" else current * (1 + sign * policy["value"] / 100)
        allowed.append(math.ceil(share) if sign > 0 else math.floor(share))
    far, near = (max, min) if sign > 0 else (min, max)
    limit = far(allowed) if rules["selectPolicy"] == "Max" else near(allowed)
    return min(goal, max(limit, current), high) if sign > 0 else max(goal, min(limit, current), low)

# %% wrong "Max and Min mixed up on the way down" points=0
def decide(current, wanted, wishes, changes, behavior, low, high):
    up, down = behavior["scaleUp"], behavior["scaleDown"]
    low_mark = min([wanted, *(wish for age, wish in wishes if age < up["stabilizationWindowSeconds"])])
    high_mark = max([wanted, *(wish for age, wish in wishes if age < down["stabilizationWindowSeconds"])])
    goal = min(max(current, low_mark), high_mark)
    rules = up if goal > current else down
    if goal == current or rules["selectPolicy"] == "Disabled":
        return current
    sign = 1 if goal > current else -1
    allowed = []
    for policy in rules["policies"]:
        start = current - sum(change for age, change in changes if age < policy["periodSeconds"])
        share = start + sign * policy["value"] if policy["type"] == "Pods" else start * (1 + sign * policy["value"] / 100)
        allowed.append(math.ceil(share) if sign > 0 else math.floor(share))
    limit = max(allowed) if rules["selectPolicy"] == "Max" else min(allowed)
    return min(goal, max(limit, current), high) if sign > 0 else max(goal, min(limit, current), low)

# %% wrong "rounds up in both directions" points=0
def decide(current, wanted, wishes, changes, behavior, low, high):
    up, down = behavior["scaleUp"], behavior["scaleDown"]
    low_mark = min([wanted, *(wish for age, wish in wishes if age < up["stabilizationWindowSeconds"])])
    high_mark = max([wanted, *(wish for age, wish in wishes if age < down["stabilizationWindowSeconds"])])
    goal = min(max(current, low_mark), high_mark)
    rules = up if goal > current else down
    if goal == current or rules["selectPolicy"] == "Disabled":
        return current
    sign = 1 if goal > current else -1
    allowed = []
    for policy in rules["policies"]:
        start = current - sum(change for age, change in changes if age < policy["periodSeconds"])
        share = start + sign * policy["value"] if policy["type"] == "Pods" else start * (1 + sign * policy["value"] / 100)
        allowed.append(math.ceil(share))
    far, near = (max, min) if sign > 0 else (min, max)
    limit = far(allowed) if rules["selectPolicy"] == "Max" else near(allowed)
    return min(goal, max(limit, current), high) if sign > 0 else max(goal, min(limit, current), low)
