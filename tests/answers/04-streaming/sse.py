# %% right "an incremental decoder, and text instead of bytes"
import codecs


class SSEParser:
    def __init__(self):
        self.decoder = codecs.getincrementaldecoder("utf-8")()
        self.text, self.parts, self.finished = "", None, False

    def feed(self, data):
        self.text += self.decoder.decode(data)
        found = []
        while "\n" in self.text and not self.finished:
            line, self.text = self.text.split("\n", 1)
            line = line[:-1] if line.endswith("\r") else line
            if line == "":
                if self.parts is not None:
                    event, self.parts = "\n".join(self.parts), None
                    if event == "[DONE]":
                        self.finished = True
                    else:
                        found.append(event)
            elif line == "data" or line.startswith("data:"):
                value = line[5:]
                self.parts = (self.parts or []) + [value[1:] if value[:1] == " " else value]
        return found

    def close(self):
        if not self.finished:
            raise EOFError("no [DONE]")


def parse_all(pieces):
    """One stream, given as a list of bytes: the events after each piece, and how it ended."""
    parser = SSEParser()
    events = [list(parser.feed(piece)) for piece in pieces]
    try:
        parser.close()
    except EOFError:
        return [events, "cut off"]
    return [events, "complete"]

# %% right "byte by byte, a bare CR ends a line as well"
class SSEParser:
    def __init__(self):
        self.line, self.after_cr, self.lines, self.state = bytearray(), False, [], "open"

    def _end_of_line(self):
        line, self.line = bytes(self.line), bytearray()
        if line:
            self.lines.append(line)
            return None
        values = [rest for name, _, rest in (one.partition(b":") for one in self.lines) if name == b"data"]
        self.lines = []
        if not values:
            return None
        return b"\n".join(value[1:] if value.startswith(b" ") else value for value in values).decode("utf-8")

    def feed(self, data):
        events = []
        for byte in data:
            event = None
            if byte == 13 or (byte == 10 and not self.after_cr):
                event = self._end_of_line()
            elif byte != 10:
                self.line.append(byte)
            self.after_cr = byte == 13
            if event == "[DONE]":
                self.state = "done"
            elif event is not None and self.state == "open":
                events.append(event)
        return events

    def close(self):
        if self.state != "done":
            raise EOFError


def parse_all(pieces):
    """One stream, given as a list of bytes: the events after each piece, and how it ended."""
    parser = SSEParser()
    events = [list(parser.feed(piece)) for piece in pieces]
    try:
        parser.close()
    except EOFError:
        return [events, "cut off"]
    return [events, "complete"]

# %% right "everything kept, and read again from the start each time an event may have ended"
import re


class SSEParser:
    def __init__(self):
        self.bytes, self.given = b"", 0
        self.ended = False

    def feed(self, data):
        self.bytes += data
        if b"\n" not in data:
            return []
        whole, _, _ = self.bytes.rpartition(b"\n")
        blocks = re.split(r"\n\r?\n(?:\r?\n)*", (whole + b"\n").decode() if whole or self.bytes[:1] == b"\n" else "")[:-1]
        events = []
        for block in blocks:
            lines = [line.removesuffix("\r") for line in block.split("\n")]
            values = [line[5:].removeprefix(" ") for line in lines if line.startswith("data:")]
            if values:
                events.append("\n".join(values))
        if "[DONE]" in events:
            self.ended = True
            events = events[: events.index("[DONE]")]
        new, self.given = events[self.given :], len(events)
        return new

    def close(self):
        if not self.ended:
            raise EOFError("cut off")


def parse_all(pieces):
    """One stream, given as a list of bytes: the events after each piece, and how it ended."""
    parser = SSEParser()
    events = [list(parser.feed(piece)) for piece in pieces]
    try:
        parser.close()
    except EOFError:
        return [events, "cut off"]
    return [events, "complete"]

# %% wrong "each piece decoded on its own" points=2
class SSEParser:
    def __init__(self):
        self.rest = ""
        self.data = []
        self.done = False

    def feed(self, data):
        events = []
        *lines, self.rest = (self.rest + data.decode(errors="replace")).split("\n")
        for line in lines:
            line = line.removesuffix("\r")
            if line:
                field, _, value = line.partition(":")
                if field == "data":
                    self.data.append(value.removeprefix(" "))
            elif self.data:
                text, self.data = "\n".join(self.data), []
                self.done = self.done or text == "[DONE]"
                if not self.done:
                    events.append(text)
        return events

    def close(self):
        if not self.done:
            raise EOFError("cut off")


def parse_all(pieces):
    """One stream, given as a list of bytes: the events after each piece, and how it ended."""
    parser = SSEParser()
    events = [list(parser.feed(piece)) for piece in pieces]
    try:
        parser.close()
    except EOFError:
        return [events, "cut off"]
    return [events, "complete"]

# %% wrong "each piece taken for whole events" points=0
class SSEParser:
    def __init__(self):
        self.done = False

    def feed(self, data):
        events = []
        for block in data.decode(errors="replace").split("\n\n"):
            if block == "data: [DONE]":
                self.done = True
            elif block.startswith("data: "):
                events.append(block[6:])
        return events

    def close(self):
        if not self.done:
            raise EOFError("cut off")


def parse_all(pieces):
    """One stream, given as a list of bytes: the events after each piece, and how it ended."""
    parser = SSEParser()
    events = [list(parser.feed(piece)) for piece in pieces]
    try:
        parser.close()
    except EOFError:
        return [events, "cut off"]
    return [events, "complete"]

# %% wrong "CRLF forgotten" points=0
class SSEParser:
    def __init__(self):
        self.rest = b""
        self.data = []
        self.done = False

    def feed(self, data):
        events = []
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            line = line.decode()
            if line:
                field, _, value = line.partition(":")
                if field == "data":
                    self.data.append(value.removeprefix(" "))
            elif self.data:
                text, self.data = "\n".join(self.data), []
                self.done = self.done or text == "[DONE]"
                if not self.done:
                    events.append(text)
        return events

    def close(self):
        if not self.done:
            raise EOFError("cut off")


def parse_all(pieces):
    """One stream, given as a list of bytes: the events after each piece, and how it ended."""
    parser = SSEParser()
    events = [list(parser.feed(piece)) for piece in pieces]
    try:
        parser.close()
    except EOFError:
        return [events, "cut off"]
    return [events, "complete"]

# %% wrong "splitlines on text: other separators end a line too" points=2
class SSEParser:
    def __init__(self):
        self.rest, self.data, self.done = b"", [], False

    def feed(self, data):
        self.rest += data
        whole, newline, self.rest = self.rest.rpartition(b"\n")
        events = []
        for line in (whole + newline).decode().splitlines():
            if line.startswith("data:"):
                self.data.append(line[5:].removeprefix(" "))
            elif not line and self.data:
                text, self.data = "\n".join(self.data), []
                self.done = self.done or text == "[DONE]"
                if not self.done:
                    events.append(text)
        return events

    def close(self):
        if not self.done:
            raise EOFError("cut off")


def parse_all(pieces):
    """One stream, given as a list of bytes: the events after each piece, and how it ended."""
    parser = SSEParser()
    events = [list(parser.feed(piece)) for piece in pieces]
    try:
        parser.close()
    except EOFError:
        return [events, "cut off"]
    return [events, "complete"]

# %% wrong "all spaces after the colon removed" points=2
class SSEParser:
    def __init__(self):
        self.rest = b""
        self.data = []
        self.done = False

    def feed(self, data):
        events = []
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            line = line.removesuffix(b"\r").decode()
            if line:
                field, _, value = line.partition(":")
                if field == "data":
                    self.data.append(value.strip())
            elif self.data:
                text, self.data = "\n".join(self.data), []
                self.done = self.done or text == "[DONE]"
                if not self.done:
                    events.append(text)
        return events

    def close(self):
        if not self.done:
            raise EOFError("cut off")


def parse_all(pieces):
    """One stream, given as a list of bytes: the events after each piece, and how it ended."""
    parser = SSEParser()
    events = [list(parser.feed(piece)) for piece in pieces]
    try:
        parser.close()
    except EOFError:
        return [events, "cut off"]
    return [events, "complete"]

# %% wrong "the space after the colon demanded" points=0
class SSEParser:
    def __init__(self):
        self.rest = b""
        self.data = []
        self.done = False

    def feed(self, data):
        events = []
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            line = line.removesuffix(b"\r").decode()
            if line:
                if line.startswith("data: "):
                    self.data.append(line[6:])
            elif self.data:
                text, self.data = "\n".join(self.data), []
                self.done = self.done or text == "[DONE]"
                if not self.done:
                    events.append(text)
        return events

    def close(self):
        if not self.done:
            raise EOFError("cut off")


def parse_all(pieces):
    """One stream, given as a list of bytes: the events after each piece, and how it ended."""
    parser = SSEParser()
    events = [list(parser.feed(piece)) for piece in pieces]
    try:
        parser.close()
    except EOFError:
        return [events, "cut off"]
    return [events, "complete"]

# %% wrong "only the last data line of an event" points=2
class SSEParser:
    def __init__(self):
        self.rest = b""
        self.data = []
        self.done = False

    def feed(self, data):
        events = []
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            line = line.removesuffix(b"\r").decode()
            if line:
                field, _, value = line.partition(":")
                if field == "data":
                    self.data = [value.removeprefix(" ")]
            elif self.data:
                text, self.data = "\n".join(self.data), []
                self.done = self.done or text == "[DONE]"
                if not self.done:
                    events.append(text)
        return events

    def close(self):
        if not self.done:
            raise EOFError("cut off")


def parse_all(pieces):
    """One stream, given as a list of bytes: the events after each piece, and how it ended."""
    parser = SSEParser()
    events = [list(parser.feed(piece)) for piece in pieces]
    try:
        parser.close()
    except EOFError:
        return [events, "cut off"]
    return [events, "complete"]

# %% wrong "lines that merely begin with data" points=2
class SSEParser:
    def __init__(self):
        self.rest = b""
        self.data = []
        self.done = False

    def feed(self, data):
        events = []
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            line = line.removesuffix(b"\r").decode()
            if line:
                field, _, value = line.partition(":")
                if field.startswith("data"):
                    self.data.append(value.removeprefix(" "))
            elif self.data:
                text, self.data = "\n".join(self.data), []
                self.done = self.done or text == "[DONE]"
                if not self.done:
                    events.append(text)
        return events

    def close(self):
        if not self.done:
            raise EOFError("cut off")


def parse_all(pieces):
    """One stream, given as a list of bytes: the events after each piece, and how it ended."""
    parser = SSEParser()
    events = [list(parser.feed(piece)) for piece in pieces]
    try:
        parser.close()
    except EOFError:
        return [events, "cut off"]
    return [events, "complete"]

# %% wrong "all events held back until the end" points=2 also="client:2 hang-up:0"
class SSEParser:
    def __init__(self):
        self.rest = b""
        self.data = []
        self.done = False
        self.kept = []

    def feed(self, data):
        events = []
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            line = line.removesuffix(b"\r").decode()
            if line:
                field, _, value = line.partition(":")
                if field == "data":
                    self.data.append(value.removeprefix(" "))
            elif self.data:
                text, self.data = "\n".join(self.data), []
                self.done = self.done or text == "[DONE]"
                if not self.done:
                    events.append(text)
        self.kept += events
        events, self.kept = (self.kept, []) if self.done else ([], self.kept)
        return events

    def close(self):
        if not self.done:
            raise EOFError("cut off")


def parse_all(pieces):
    """One stream, given as a list of bytes: the events after each piece, and how it ended."""
    parser = SSEParser()
    events = [list(parser.feed(piece)) for piece in pieces]
    try:
        parser.close()
    except EOFError:
        return [events, "cut off"]
    return [events, "complete"]

# %% wrong "one event a call at most" points=2 also="hang-up:0"
class SSEParser:
    def __init__(self):
        self.rest = b""
        self.data = []
        self.done = False

    def feed(self, data):
        events = []
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            line = line.removesuffix(b"\r").decode()
            if line:
                field, _, value = line.partition(":")
                if field == "data":
                    self.data.append(value.removeprefix(" "))
            elif self.data:
                text, self.data = "\n".join(self.data), []
                self.done = self.done or text == "[DONE]"
                if not self.done:
                    events.append(text)
        self.queue = getattr(self, "queue", []) + events
        return [self.queue.pop(0)] if self.queue else []

    def close(self):
        if not self.done:
            raise EOFError("cut off")


def parse_all(pieces):
    """One stream, given as a list of bytes: the events after each piece, and how it ended."""
    parser = SSEParser()
    events = [list(parser.feed(piece)) for piece in pieces]
    try:
        parser.close()
    except EOFError:
        return [events, "cut off"]
    return [events, "complete"]

# %% wrong "events after [DONE] returned" points=2
class SSEParser:
    def __init__(self):
        self.rest = b""
        self.data = []
        self.done = False

    def feed(self, data):
        events = []
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            line = line.removesuffix(b"\r").decode()
            if line:
                field, _, value = line.partition(":")
                if field == "data":
                    self.data.append(value.removeprefix(" "))
            elif self.data:
                text, self.data = "\n".join(self.data), []
                self.done = self.done or text == "[DONE]"
                if text != "[DONE]":
                    events.append(text)
        return events

    def close(self):
        if not self.done:
            raise EOFError("cut off")


def parse_all(pieces):
    """One stream, given as a list of bytes: the events after each piece, and how it ended."""
    parser = SSEParser()
    events = [list(parser.feed(piece)) for piece in pieces]
    try:
        parser.close()
    except EOFError:
        return [events, "cut off"]
    return [events, "complete"]

# %% wrong "any [DONE] in the text ends the stream" points=0
class SSEParser:
    def __init__(self):
        self.rest = b""
        self.data = []
        self.done = False

    def feed(self, data):
        events = []
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            line = line.removesuffix(b"\r").decode()
            if line:
                field, _, value = line.partition(":")
                if field == "data":
                    self.data.append(value.removeprefix(" "))
            elif self.data:
                text, self.data = "\n".join(self.data), []
                self.done = self.done or "[DONE]" in text
                if not self.done:
                    events.append(text)
        return events

    def close(self):
        if not self.done:
            raise EOFError("cut off")


def parse_all(pieces):
    """One stream, given as a list of bytes: the events after each piece, and how it ended."""
    parser = SSEParser()
    events = [list(parser.feed(piece)) for piece in pieces]
    try:
        parser.close()
    except EOFError:
        return [events, "cut off"]
    return [events, "complete"]

# %% wrong "close never complains" points=4 also="client:3"
class SSEParser:
    def __init__(self):
        self.rest = b""
        self.data = []
        self.done = False

    def feed(self, data):
        events = []
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            line = line.removesuffix(b"\r").decode()
            if line:
                field, _, value = line.partition(":")
                if field == "data":
                    self.data.append(value.removeprefix(" "))
            elif self.data:
                text, self.data = "\n".join(self.data), []
                self.done = self.done or text == "[DONE]"
                if not self.done:
                    events.append(text)
        return events

    def close(self):
        return None


def parse_all(pieces):
    """One stream, given as a list of bytes: the events after each piece, and how it ended."""
    parser = SSEParser()
    events = [list(parser.feed(piece)) for piece in pieces]
    try:
        parser.close()
    except EOFError:
        return [events, "cut off"]
    return [events, "complete"]

# %% wrong "close complains only about an unfinished event" points=4 also="client:3"
class SSEParser:
    def __init__(self):
        self.rest = b""
        self.data = []
        self.done = False

    def feed(self, data):
        events = []
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            line = line.removesuffix(b"\r").decode()
            if line:
                field, _, value = line.partition(":")
                if field == "data":
                    self.data.append(value.removeprefix(" "))
            elif self.data:
                text, self.data = "\n".join(self.data), []
                self.done = self.done or text == "[DONE]"
                if not self.done:
                    events.append(text)
        return events

    def close(self):
        if self.rest or self.data:
            raise EOFError("cut off")


def parse_all(pieces):
    """One stream, given as a list of bytes: the events after each piece, and how it ended."""
    parser = SSEParser()
    events = [list(parser.feed(piece)) for piece in pieces]
    try:
        parser.close()
    except EOFError:
        return [events, "cut off"]
    return [events, "complete"]

# %% wrong "a [DONE] whose empty line did not come is enough for close" points=4
class SSEParser:
    def __init__(self):
        self.rest = b""
        self.data = []
        self.done = False

    def feed(self, data):
        events = []
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            line = line.removesuffix(b"\r").decode()
            if line:
                field, _, value = line.partition(":")
                if field == "data":
                    self.data.append(value.removeprefix(" "))
            elif self.data:
                text, self.data = "\n".join(self.data), []
                self.done = self.done or text == "[DONE]"
                if not self.done:
                    events.append(text)
        return events

    def close(self):
        if not self.done and self.data != ["[DONE]"]:
            raise EOFError("cut off")


def parse_all(pieces):
    """One stream, given as a list of bytes: the events after each piece, and how it ended."""
    parser = SSEParser()
    events = [list(parser.feed(piece)) for piece in pieces]
    try:
        parser.close()
    except EOFError:
        return [events, "cut off"]
    return [events, "complete"]

# %% wrong "another exception than asked for" points=4
class SSEParser:
    def __init__(self):
        self.rest = b""
        self.data = []
        self.done = False

    def feed(self, data):
        events = []
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            line = line.removesuffix(b"\r").decode()
            if line:
                field, _, value = line.partition(":")
                if field == "data":
                    self.data.append(value.removeprefix(" "))
            elif self.data:
                text, self.data = "\n".join(self.data), []
                self.done = self.done or text == "[DONE]"
                if not self.done:
                    events.append(text)
        return events

    def close(self):
        if not self.done:
            raise ValueError("cut off")


def parse_all(pieces):
    """One stream, given as a list of bytes: the events after each piece, and how it ended."""
    parser = SSEParser()
    events = [list(parser.feed(piece)) for piece in pieces]
    try:
        parser.close()
    except EOFError:
        return [events, "cut off"]
    return [events, "complete"]
