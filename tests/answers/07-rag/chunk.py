# %% right "a generator, the window searched backwards"
def _pieces(text, tokens, most, overlap):
    weight = borders(text)
    n, i = len(tokens), 0
    while n - i > most:
        best = i + most
        for j in range(i + most, i + most // 2 - 1, -1):
            if weight.get(tokens[j][0], 0) > weight.get(tokens[best][0], 0):
                best = j
        yield tokens[i][0], tokens[best - 1][1]
        i = best if weight.get(tokens[best][0], 0) > 1 else best - overlap
    if i < n:
        yield tokens[i][0], tokens[n - 1][1]


def chunk(text, tokens, most, overlap):
    return list(_pieces(text, tokens, most, overlap))

# %% right "recursion unrolled into a class, arrays for the borders"
class Chunker:
    def __init__(self, text, tokens, most, overlap):
        self.tokens, self.most, self.overlap = tokens, most, overlap
        found = borders(text)
        self.strength = np.array([found.get(t[0], 0) for t in tokens] or [0])

    def end_of(self, begin):
        window = self.strength[begin + self.most // 2 : begin + self.most + 1]
        return begin + self.most // 2 + int(np.flatnonzero(window == window.max())[-1])

    def run(self):
        made, begin = [], 0
        while begin < len(self.tokens):
            if begin + self.most >= len(self.tokens):
                made.append([int(self.tokens[begin][0]), int(self.tokens[-1][1])])
                return made
            end = self.end_of(begin)
            made.append([int(self.tokens[begin][0]), int(self.tokens[end - 1][1])])
            begin = end - (0 if self.strength[end] >= 2 else self.overlap)
        return made


def chunk(text, tokens, most, overlap):
    return Chunker(text, tokens, most, overlap).run()

# %% wrong "blind: every so many tokens" points=2
def chunk(text, tokens, most, overlap):
    chunks, first = [], 0
    while first < len(tokens):
        last = min(first + most, len(tokens))
        chunks.append([tokens[first][0], tokens[last - 1][1]])
        if last == len(tokens):
            break
        first = last - overlap
    return chunks

# %% wrong "overlap after a paragraph too" points=2
def chunk(text, tokens, most, overlap):
    """[start, end] of each chunk: at most `most` tokens, cut at the best border in its second half."""
    strengths = borders(text)
    before = [strengths.get(start, 0) for start, _ in tokens]
    chunks, first = [], 0
    while first < len(tokens):
        if len(tokens) - first <= most:
            chunks.append([tokens[first][0], tokens[-1][1]])
            break
        end = max(range(first + most // 2, first + most + 1), key=lambda at: (before[at], at))
        chunks.append([tokens[first][0], tokens[end - 1][1]])
        first = end - overlap
    return chunks
    ### END SOLUTION

# %% wrong "no overlap" points=0
def chunk(text, tokens, most, overlap):
    """[start, end] of each chunk: at most `most` tokens, cut at the best border in its second half."""
    strengths = borders(text)
    before = [strengths.get(start, 0) for start, _ in tokens]
    chunks, first = [], 0
    while first < len(tokens):
        if len(tokens) - first <= most:
            chunks.append([tokens[first][0], tokens[-1][1]])
            break
        end = max(range(first + most // 2, first + most + 1), key=lambda at: (before[at], at))
        chunks.append([tokens[first][0], tokens[end - 1][1]])
        first = end
    return chunks
    ### END SOLUTION

# %% wrong "no overlap after a sentence" points=2
def chunk(text, tokens, most, overlap):
    """[start, end] of each chunk: at most `most` tokens, cut at the best border in its second half."""
    strengths = borders(text)
    before = [strengths.get(start, 0) for start, _ in tokens]
    chunks, first = [], 0
    while first < len(tokens):
        if len(tokens) - first <= most:
            chunks.append([tokens[first][0], tokens[-1][1]])
            break
        end = max(range(first + most // 2, first + most + 1), key=lambda at: (before[at], at))
        chunks.append([tokens[first][0], tokens[end - 1][1]])
        first = end if before[end] >= 1 else end - overlap
    return chunks
    ### END SOLUTION

# %% wrong "the first of equally strong borders" points=0
def chunk(text, tokens, most, overlap):
    """[start, end] of each chunk: at most `most` tokens, cut at the best border in its second half."""
    strengths = borders(text)
    before = [strengths.get(start, 0) for start, _ in tokens]
    chunks, first = [], 0
    while first < len(tokens):
        if len(tokens) - first <= most:
            chunks.append([tokens[first][0], tokens[-1][1]])
            break
        end = max(range(first + most // 2, first + most + 1), key=lambda at: (before[at], -at))
        chunks.append([tokens[first][0], tokens[end - 1][1]])
        first = end if before[end] >= 2 else end - overlap
    return chunks
    ### END SOLUTION

# %% wrong "the last border, however weak" points=2
def chunk(text, tokens, most, overlap):
    """[start, end] of each chunk: at most `most` tokens, cut at the best border in its second half."""
    strengths = borders(text)
    before = [strengths.get(start, 0) for start, _ in tokens]
    chunks, first = [], 0
    while first < len(tokens):
        if len(tokens) - first <= most:
            chunks.append([tokens[first][0], tokens[-1][1]])
            break
        end = max(range(first + most // 2, first + most + 1), key=lambda at: (before[at] > 0, at))
        chunks.append([tokens[first][0], tokens[end - 1][1]])
        first = end if before[end] >= 2 else end - overlap
    return chunks
    ### END SOLUTION

# %% wrong "one token too many" points=0
def chunk(text, tokens, most, overlap):
    """[start, end] of each chunk: at most `most` tokens, cut at the best border in its second half."""
    strengths = borders(text)
    before = [strengths.get(start, 0) for start, _ in tokens]
    chunks, first = [], 0
    while first < len(tokens):
        if len(tokens) - first <= most + 1:
            chunks.append([tokens[first][0], tokens[-1][1]])
            break
        end = max(range(first + most // 2, first + most + 2), key=lambda at: (before[at], at))
        chunks.append([tokens[first][0], tokens[end - 1][1]])
        first = end if before[end] >= 2 else end - overlap
    return chunks
    ### END SOLUTION

# %% wrong "characters instead of tokens" points=0
def chunk(text, tokens, most, overlap):
    return [[start, min(start + most, len(text))] for start in range(0, max(1, len(text) - overlap), most - overlap)]

# %% wrong "the rest is lost" points=0
def chunk(text, tokens, most, overlap):
    """[start, end] of each chunk: at most `most` tokens, cut at the best border in its second half."""
    strengths = borders(text)
    before = [strengths.get(start, 0) for start, _ in tokens]
    chunks, first = [], 0
    while first < len(tokens):
        if len(tokens) - first <= most:
            break
        end = max(range(first + most // 2, first + most + 1), key=lambda at: (before[at], at))
        chunks.append([tokens[first][0], tokens[end - 1][1]])
        first = end if before[end] >= 2 else end - overlap
    return chunks
    ### END SOLUTION

# %% wrong "the overlap is counted forwards" points=0
def chunk(text, tokens, most, overlap):
    """[start, end] of each chunk: at most `most` tokens, cut at the best border in its second half."""
    strengths = borders(text)
    before = [strengths.get(start, 0) for start, _ in tokens]
    chunks, first = [], 0
    while first < len(tokens):
        if len(tokens) - first <= most:
            chunks.append([tokens[first][0], tokens[-1][1]])
            break
        end = max(range(first + most // 2, first + most + 1), key=lambda at: (before[at], at))
        chunks.append([tokens[first][0], tokens[end - 1][1]])
        first = end if before[end] >= 2 else end + overlap
    return chunks
    ### END SOLUTION

# %% wrong "an endless rest: the last chunk is repeated by its overlap" points=0
def chunk(text, tokens, most, overlap):
    strengths = borders(text)
    before = [strengths.get(start, 0) for start, _ in tokens] + [0]
    chunks, first = [], 0
    while first < len(tokens) - overlap:
        reach = min(first + most, len(tokens))
        end = max(range(min(first + most // 2, reach), reach + 1), key=lambda at: (before[at], at))
        chunks.append([tokens[first][0], tokens[end - 1][1]])
        first = end if before[end] >= 2 else end - overlap
    return chunks
