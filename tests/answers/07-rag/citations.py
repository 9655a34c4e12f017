# %% right "read character by character"
def citations(answer, sources):
    numbers, rest = [], answer
    while "[" in rest:
        rest = rest[rest.index("[") + 1 :]
        inside, closed, _ = rest.partition("]")
        parts = [part.strip() for part in inside.split(",")]
        if closed and all(part.isdigit() for part in parts):
            numbers += [int(part) for part in parts]
    cited, unknown = [], []
    for number in numbers:
        if 0 < number <= len(sources):
            if sources[number - 1] not in cited:
                cited.append(sources[number - 1])
        elif number not in unknown:
            unknown.append(number)
    if answer.find(REFUSAL) >= 0:
        return {"cited": cited, "unknown": unknown, "verdict": "refused"}
    good = len(cited) > 0 and len(unknown) == 0
    return {"cited": cited, "unknown": unknown, "verdict": ["rejected", "accepted"][good]}

# %% right "a table of the numbers"
def citations(answer, sources):
    table = {str(n): name for n, name in enumerate(sources, 1)}
    named = {}
    for match in re.finditer(r"\[([\d\s,]+)\]", answer):
        parts = match[1].split(",")
        if all(part.strip().isdigit() for part in parts):
            named.update(dict.fromkeys(str(int(part)) for part in parts))
    cited = tuple(table[n] for n in named if n in table)
    unknown = tuple(int(n) for n in named if n not in table)
    verdict = "accepted" if cited and not unknown else "rejected"
    return {"verdict": "refused" if REFUSAL in answer else verdict, "cited": cited, "unknown": unknown}

# %% wrong "the list's own numbering, from 0" points=0
def citations(answer, sources):
    """Which sources an answer names, which it invents, and whether it may be shown."""
    groups = re.findall(r"\[\s*(\d+(?:\s*,\s*\d+)*)\s*\]", answer)
    numbers = list(dict.fromkeys(int(number) for group in groups for number in group.split(",")))
    cited = [sources[number % len(sources)] for number in numbers if 1 <= number <= len(sources)]
    unknown = [number for number in numbers if not 1 <= number <= len(sources)]
    verdict = "refused" if REFUSAL in answer else "accepted" if cited and not unknown else "rejected"
    return {"cited": cited, "unknown": unknown, "verdict": verdict}
    ### END SOLUTION

# %% wrong "only single numbers" points=0
def citations(answer, sources):
    """Which sources an answer names, which it invents, and whether it may be shown."""
    groups = re.findall(r"\[(\d+)\]", answer)
    numbers = list(dict.fromkeys(int(number) for group in groups for number in group.split(",")))
    cited = [sources[number - 1] for number in numbers if 1 <= number <= len(sources)]
    unknown = [number for number in numbers if not 1 <= number <= len(sources)]
    verdict = "refused" if REFUSAL in answer else "accepted" if cited and not unknown else "rejected"
    return {"cited": cited, "unknown": unknown, "verdict": verdict}
    ### END SOLUTION

# %% wrong "sorted instead of as mentioned" points=0
def citations(answer, sources):
    """Which sources an answer names, which it invents, and whether it may be shown."""
    groups = re.findall(r"\[\s*(\d+(?:\s*,\s*\d+)*)\s*\]", answer)
    numbers = sorted({int(number) for group in groups for number in group.split(",")})
    cited = [sources[number - 1] for number in numbers if 1 <= number <= len(sources)]
    unknown = [number for number in numbers if not 1 <= number <= len(sources)]
    verdict = "refused" if REFUSAL in answer else "accepted" if cited and not unknown else "rejected"
    return {"cited": cited, "unknown": unknown, "verdict": verdict}
    ### END SOLUTION

# %% wrong "unknown sources forgiven" points=0
def citations(answer, sources):
    """Which sources an answer names, which it invents, and whether it may be shown."""
    groups = re.findall(r"\[\s*(\d+(?:\s*,\s*\d+)*)\s*\]", answer)
    numbers = list(dict.fromkeys(int(number) for group in groups for number in group.split(",")))
    cited = [sources[number - 1] for number in numbers if 1 <= number <= len(sources)]
    unknown = [number for number in numbers if not 1 <= number <= len(sources)]
    verdict = "refused" if REFUSAL in answer else "accepted" if cited else "rejected"
    return {"cited": cited, "unknown": unknown, "verdict": verdict}
    ### END SOLUTION

# %% wrong "zero is the last source" points=0
def citations(answer, sources):
    """Which sources an answer names, which it invents, and whether it may be shown."""
    groups = re.findall(r"\[\s*(\d+(?:\s*,\s*\d+)*)\s*\]", answer)
    numbers = list(dict.fromkeys(int(number) for group in groups for number in group.split(",")))
    cited = [sources[number - 1] for number in numbers if number <= len(sources)]
    unknown = [number for number in numbers if not number <= len(sources)]
    verdict = "refused" if REFUSAL in answer else "accepted" if cited and not unknown else "rejected"
    return {"cited": cited, "unknown": unknown, "verdict": verdict}
    ### END SOLUTION

# %% wrong "any bracket is a citation" points=0
def citations(answer, sources):
    """Which sources an answer names, which it invents, and whether it may be shown."""
    groups = re.findall(r"(\d+)", answer)
    numbers = list(dict.fromkeys(int(number) for group in groups for number in group.split(",")))
    cited = [sources[number - 1] for number in numbers if 1 <= number <= len(sources)]
    unknown = [number for number in numbers if not 1 <= number <= len(sources)]
    verdict = "refused" if REFUSAL in answer else "accepted" if cited and not unknown else "rejected"
    return {"cited": cited, "unknown": unknown, "verdict": verdict}
    ### END SOLUTION

# %% wrong "a refusal must be all of the answer" points=0
def citations(answer, sources):
    """Which sources an answer names, which it invents, and whether it may be shown."""
    groups = re.findall(r"\[\s*(\d+(?:\s*,\s*\d+)*)\s*\]", answer)
    numbers = list(dict.fromkeys(int(number) for group in groups for number in group.split(",")))
    cited = [sources[number - 1] for number in numbers if 1 <= number <= len(sources)]
    unknown = [number for number in numbers if not 1 <= number <= len(sources)]
    verdict = "refused" if REFUSAL == answer else "accepted" if cited and not unknown else "rejected"
    return {"cited": cited, "unknown": unknown, "verdict": verdict}
    ### END SOLUTION

# %% wrong "doubles kept" points=0
def citations(answer, sources):
    """Which sources an answer names, which it invents, and whether it may be shown."""
    groups = re.findall(r"\[\s*(\d+(?:\s*,\s*\d+)*)\s*\]", answer)
    numbers = [int(number) for group in groups for number in group.split(",")]
    cited = [sources[number - 1] for number in numbers if 1 <= number <= len(sources)]
    unknown = [number for number in numbers if not 1 <= number <= len(sources)]
    verdict = "refused" if REFUSAL in answer else "accepted" if cited and not unknown else "rejected"
    return {"cited": cited, "unknown": unknown, "verdict": verdict}
    ### END SOLUTION
