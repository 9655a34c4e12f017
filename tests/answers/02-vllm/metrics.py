# %% right "the library that the Prometheus project gives away"
from prometheus_client.parser import text_string_to_metric_families


def parse_metrics(text):
    # It insists on a newline at the end.
    lines = "".join(line.strip() + "\n" for line in text.split("\n"))
    return [
        {"name": sample.name, "labels": dict(sample.labels), "value": float(sample.value)}
        for family in text_string_to_metric_families(lines)
        for sample in family.samples
    ]

# %% right "letter by letter"
def _read_labels(line, at):
    labels, at = {}, at + 1
    while line[at] != "}":
        if line[at] in ", ":
            at += 1
            continue
        equals = line.index("=", at)
        name, at, value = line[at:equals].strip(), line.index('"', equals) + 1, ""
        while line[at] != '"':
            if line[at] == "\\":
                at += 1
                value += {"n": "\n"}.get(line[at], line[at])
            else:
                value += line[at]
            at += 1
        labels[name], at = value, at + 1
    return labels, at + 1


def parse_metrics(text):
    samples = []
    for line in text.splitlines():
        line = line.strip()
        if line and line[0] != "#":
            at = min(i for i in (line.find("{"), line.find(" ")) if i >= 0)
            name, labels = line[:at], {}
            if line[at] == "{":
                labels, at = _read_labels(line, at)
            samples.append({"name": name, "labels": labels, "value": float(line[at:].split()[0])})
    return samples

# %% right "one regular expression for a line"
LINE = re.compile(r'^\s*([^\s{#]+)\s*(?:\{((?:[^"}]|"(?:\\.|[^"\\])*")*)\})?\s+(\S+)(?:\s+\d+)?\s*$')
LABEL = re.compile(r'([A-Za-z_]\w*)="((?:\\.|[^"\\])*)"')


def parse_metrics(text):
    found = []
    for line in text.splitlines():
        if hit := LINE.match(line):
            name, body, value = hit.groups()
            labels = {}
            for key, raw in LABEL.findall(body or ""):
                labels[key] = re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], raw)
            found.append(dict(name=name, labels=labels, value=float(value)))
    return found

# %% wrong "labels cut at every comma" points=0
def parse_metrics(text):
    samples = []
    for line in text.splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        labels, value = {}, line.split()[-1]
        name = line.split("{")[0].split()[0]
        if "{" in line:
            for part in line[line.index("{") + 1 : line.rindex("}")].split(","):
                if "=" in part:
                    key, text_value = part.split("=", 1)
                    labels[key] = text_value.strip('"')
        samples.append({"name": name, "labels": labels, "value": float(value)})
    return samples

# %% wrong "one value per name, labels dropped" points=0
def parse_metrics(text):
    samples = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, value = line.split("{")[0].split()[0], line.rsplit(" ", 1)[-1]
            samples[name] = {"name": name, "labels": {}, "value": float(value)}
    return list(samples.values())

# %% wrong "values left as text" points=0
def parse_metrics(text):
    samples = []
    for line in text.splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        hit = re.match(r'([^\s{]+)(\{(?:[^"}]|"(?:\\.|[^"\\])*")*\})?\s+(\S+)', line)
        labels = {
            key: value.replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")
            for key, value in re.findall(r'(\w+)="((?:\\.|[^"\\])*)"', hit[2] or "")
        }
        samples.append({"name": hit[1], "labels": labels, "value": hit[3]})
    return samples

# %% wrong "escapes not undone" points=0
def parse_metrics(text):
    samples = []
    for line in text.splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        hit = re.match(r'([^\s{]+)(\{(?:[^"}]|"(?:\\.|[^"\\])*")*\})?\s+(\S+)', line)
        labels = dict(re.findall(r'(\w+)="((?:\\.|[^"\\])*)"', hit[2] or ""))
        samples.append({"name": hit[1], "labels": labels, "value": float(hit[3])})
    return samples

# %% wrong "the timestamp taken for the value" points=0
def parse_metrics(text):
    samples = []
    escapes = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}
    for line in text.splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        hit = re.match(r'([^\s{]+)(\{(?:[^"}]|"(?:\\.|[^"\\])*")*\})?\s+(.+)', line)
        labels = {
            key: re.sub(r'\\[\\"n]', lambda m: escapes[m[0]], value)
            for key, value in re.findall(r'(\w+)="((?:\\.|[^"\\])*)"', hit[2] or "")
        }
        samples.append({"name": hit[1], "labels": labels, "value": float(hit[3].split()[-1])})
    return samples

# %% wrong "everything after a # is a comment" points=0
def parse_metrics(text):
    samples = []
    escapes = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}
    for line in text.splitlines():
        line = line.split("#")[0].strip()
        if not line:
            continue
        hit = re.match(r'([^\s{]+)(\{(?:[^"}]|"(?:\\.|[^"\\])*")*\})?\s+(\S+)', line)
        if not hit:
            continue
        labels = {
            key: re.sub(r'\\[\\"n]', lambda m: escapes[m[0]], value)
            for key, value in re.findall(r'(\w+)="((?:\\.|[^"\\])*)"', hit[2] or "")
        }
        samples.append({"name": hit[1], "labels": labels, "value": float(hit[3])})
    return samples

# %% wrong "histogram buckets left out" points=0
def parse_metrics(text):
    samples = []
    escapes = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}
    for line in text.splitlines():
        line = line.strip()
        if not line or line.startswith("#") or "_bucket" in line:
            continue
        hit = re.match(r'([^\s{]+)(\{(?:[^"}]|"(?:\\.|[^"\\])*")*\})?\s+(\S+)', line)
        labels = {
            key: re.sub(r'\\[\\"n]', lambda m: escapes[m[0]], value)
            for key, value in re.findall(r'(\w+)="((?:\\.|[^"\\])*)"', hit[2] or "")
        }
        samples.append({"name": hit[1], "labels": labels, "value": float(hit[3])})
    return samples
