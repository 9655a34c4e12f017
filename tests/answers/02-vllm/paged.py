# %% right "a list of free blocks and a length for each sequence"
class PagedCache:
    def __init__(self, num_blocks, block_size):
        self.size = block_size
        self.memory = [None] * (num_blocks * block_size)
        self.filled = [0] * num_blocks
        self.count = [0] * num_blocks
        self.spare = list(range(num_blocks))
        self.maps = {}

    def table(self, sequence):
        return list(self.maps[sequence])

    def block(self, number):
        begin = number * self.size
        return self.memory[begin : begin + self.filled[number]]

    def free_blocks(self):
        return len(self.spare)

    def _grab(self):
        if not self.spare:
            raise MemoryError("the pool is full")
        number = self.spare.pop()
        self.count[number], self.filled[number] = 1, 0
        return number

    def _write(self, number, token):
        self.memory[number * self.size + self.filled[number]] = token
        self.filled[number] += 1

    def allocate(self, sequence, tokens):
        needed = (len(tokens) + self.size - 1) // self.size
        if needed > len(self.spare):
            raise MemoryError("the pool is too full")
        self.maps[sequence] = [self._grab() for _ in range(needed)]
        for place, token in enumerate(tokens):
            self._write(self.maps[sequence][place // self.size], token)

    def append(self, sequence, token):
        blocks = self.maps[sequence]
        if not blocks or self.filled[blocks[-1]] == self.size:
            blocks.append(self._grab())
        elif self.count[blocks[-1]] > 1:
            old, new = blocks[-1], self._grab()
            for kept in self.block(old):
                self._write(new, kept)
            self.count[old] -= 1
            blocks[-1] = new
        self._write(blocks[-1], token)

    def fork(self, parent, child):
        self.maps[child] = self.table(parent)
        for number in self.maps[child]:
            self.count[number] += 1

    def free(self, sequence):
        for number in self.maps.pop(sequence):
            self.count[number] -= 1
            if self.count[number] == 0:
                self.spare.append(number)

# %% right "owners found by looking into all tables"
class PagedCache:
    def __init__(self, num_blocks, block_size):
        self.block_size = block_size
        self.content = {number: [] for number in range(num_blocks)}
        self.tables = {}

    def _used(self):
        return [number for table in self.tables.values() for number in table]

    def _free(self):
        used = set(self._used())
        return [number for number in self.content if number not in used]

    def table(self, sequence):
        return list(self.tables[sequence])

    def block(self, number):
        return list(self.content[number])

    def free_blocks(self):
        return len(self._free())

    def allocate(self, sequence, tokens):
        needed = -(-len(tokens) // self.block_size)
        free = self._free()
        if needed > len(free):
            raise MemoryError
        self.tables[sequence] = free[:needed]
        for i, number in enumerate(free[:needed]):
            self.content[number] = list(tokens[i * self.block_size : (i + 1) * self.block_size])

    def append(self, sequence, token):
        table = self.tables[sequence]
        last = self.content[table[-1]] if table else []
        grows = not table or len(last) == self.block_size
        if not grows and self._used().count(table[-1]) == 1:
            last.append(token)
            return
        free = self._free()
        if not free:
            raise MemoryError
        self.content[free[0]] = [token] if grows else [*last, token]
        self.tables[sequence] = [*table, free[0]] if grows else [*table[:-1], free[0]]

    def fork(self, parent, child):
        self.tables[child] = self.table(parent)

    def free(self, sequence):
        del self.tables[sequence]

# %% right "freeing twice is no harm, and an allocation that fails gives its blocks back"
class PagedCache:
    def __init__(self, num_blocks, block_size):
        self.block_size = block_size
        self.blocks = [[] for _ in range(num_blocks)]
        self.owners = [0] * num_blocks
        self.tables = {}

    def table(self, sequence):
        return list(self.tables[sequence])

    def block(self, number):
        return list(self.blocks[number])

    def free_blocks(self):
        return self.owners.count(0)

    def take(self, tokens):
        if 0 not in self.owners:
            raise MemoryError("no free block")
        number = self.owners.index(0)
        self.owners[number], self.blocks[number] = 1, list(tokens)
        return number

    def allocate(self, sequence, tokens):
        table = []
        try:
            for i in range(0, len(tokens), self.block_size):
                table.append(self.take(tokens[i : i + self.block_size]))
        except MemoryError:
            for number in table:
                self.owners[number] = 0
            raise
        self.tables[sequence] = table

    def append(self, sequence, token):
        table = self.tables[sequence]
        if not table or len(self.blocks[table[-1]]) == self.block_size:
            table.append(self.take([token]))
        elif self.owners[table[-1]] == 1:
            self.blocks[table[-1]].append(token)
        else:
            private = self.take(self.blocks[table[-1]] + [token])
            self.owners[table[-1]] -= 1
            table[-1] = private

    def fork(self, parent, child):
        self.tables[child] = list(self.tables[parent])
        for number in self.tables[child]:
            self.owners[number] += 1

    def free(self, sequence):
        for number in self.tables.pop(sequence, []):
            self.owners[number] -= 1

# %% wrong "no copy on write: a fork shares its last block for ever" points=5
class PagedCache:
    def __init__(self, num_blocks, block_size):
        self.block_size = block_size
        self.blocks = [[] for _ in range(num_blocks)]
        self.owners = [0] * num_blocks
        self.tables = {}

    def table(self, sequence):
        return list(self.tables[sequence])

    def block(self, number):
        return list(self.blocks[number])

    def free_blocks(self):
        return self.owners.count(0)

    def take(self, tokens):
        if 0 not in self.owners:
            raise MemoryError("no free block")
        number = self.owners.index(0)
        self.owners[number], self.blocks[number] = 1, list(tokens)
        return number

    def allocate(self, sequence, tokens):
        pieces = [tokens[i : i + self.block_size] for i in range(0, len(tokens), self.block_size)]
        if len(pieces) > self.free_blocks():
            raise MemoryError("too few free blocks")
        self.tables[sequence] = [self.take(piece) for piece in pieces]

    def append(self, sequence, token):
        table = self.tables[sequence]
        if not table or len(self.blocks[table[-1]]) == self.block_size:
            table.append(self.take([token]))
        else:
            self.blocks[table[-1]].append(token)

    def fork(self, parent, child):
        self.tables[child] = list(self.tables[parent])
        for number in self.tables[child]:
            self.owners[number] += 1

    def free(self, sequence):
        for number in self.tables.pop(sequence):
            self.owners[number] -= 1

# %% wrong "a fork copies everything at once" points=5
class PagedCache:
    def __init__(self, num_blocks, block_size):
        self.block_size = block_size
        self.blocks = [[] for _ in range(num_blocks)]
        self.owners = [0] * num_blocks
        self.tables = {}

    def table(self, sequence):
        return list(self.tables[sequence])

    def block(self, number):
        return list(self.blocks[number])

    def free_blocks(self):
        return self.owners.count(0)

    def take(self, tokens):
        if 0 not in self.owners:
            raise MemoryError("no free block")
        number = self.owners.index(0)
        self.owners[number], self.blocks[number] = 1, list(tokens)
        return number

    def allocate(self, sequence, tokens):
        pieces = [tokens[i : i + self.block_size] for i in range(0, len(tokens), self.block_size)]
        if len(pieces) > self.free_blocks():
            raise MemoryError("too few free blocks")
        self.tables[sequence] = [self.take(piece) for piece in pieces]

    def append(self, sequence, token):
        table = self.tables[sequence]
        if not table or len(self.blocks[table[-1]]) == self.block_size:
            table.append(self.take([token]))
        elif self.owners[table[-1]] == 1:
            self.blocks[table[-1]].append(token)
        else:
            private = self.take(self.blocks[table[-1]] + [token])
            self.owners[table[-1]] -= 1
            table[-1] = private

    def fork(self, parent, child):
        self.allocate(child, [token for number in self.tables[parent] for token in self.blocks[number]])

    def free(self, sequence):
        for number in self.tables.pop(sequence):
            self.owners[number] -= 1

# %% wrong "a fork does not count the new owner" points=5
class PagedCache:
    def __init__(self, num_blocks, block_size):
        self.block_size = block_size
        self.blocks = [[] for _ in range(num_blocks)]
        self.owners = [0] * num_blocks
        self.tables = {}

    def table(self, sequence):
        return list(self.tables[sequence])

    def block(self, number):
        return list(self.blocks[number])

    def free_blocks(self):
        return self.owners.count(0)

    def take(self, tokens):
        if 0 not in self.owners:
            raise MemoryError("no free block")
        number = self.owners.index(0)
        self.owners[number], self.blocks[number] = 1, list(tokens)
        return number

    def allocate(self, sequence, tokens):
        pieces = [tokens[i : i + self.block_size] for i in range(0, len(tokens), self.block_size)]
        if len(pieces) > self.free_blocks():
            raise MemoryError("too few free blocks")
        self.tables[sequence] = [self.take(piece) for piece in pieces]

    def append(self, sequence, token):
        table = self.tables[sequence]
        if not table or len(self.blocks[table[-1]]) == self.block_size:
            table.append(self.take([token]))
        elif self.owners[table[-1]] == 1:
            self.blocks[table[-1]].append(token)
        else:
            private = self.take(self.blocks[table[-1]] + [token])
            self.owners[table[-1]] -= 1
            table[-1] = private

    def fork(self, parent, child):
        self.tables[child] = list(self.tables[parent])

    def free(self, sequence):
        for number in self.tables.pop(sequence):
            self.owners[number] -= 1

# %% wrong "a fork shares the table itself" points=5
class PagedCache:
    def __init__(self, num_blocks, block_size):
        self.block_size = block_size
        self.blocks = [[] for _ in range(num_blocks)]
        self.owners = [0] * num_blocks
        self.tables = {}

    def table(self, sequence):
        return list(self.tables[sequence])

    def block(self, number):
        return list(self.blocks[number])

    def free_blocks(self):
        return self.owners.count(0)

    def take(self, tokens):
        if 0 not in self.owners:
            raise MemoryError("no free block")
        number = self.owners.index(0)
        self.owners[number], self.blocks[number] = 1, list(tokens)
        return number

    def allocate(self, sequence, tokens):
        pieces = [tokens[i : i + self.block_size] for i in range(0, len(tokens), self.block_size)]
        if len(pieces) > self.free_blocks():
            raise MemoryError("too few free blocks")
        self.tables[sequence] = [self.take(piece) for piece in pieces]

    def append(self, sequence, token):
        table = self.tables[sequence]
        if not table or len(self.blocks[table[-1]]) == self.block_size:
            table.append(self.take([token]))
        elif self.owners[table[-1]] == 1:
            self.blocks[table[-1]].append(token)
        else:
            private = self.take(self.blocks[table[-1]] + [token])
            self.owners[table[-1]] -= 1
            table[-1] = private

    def fork(self, parent, child):
        self.tables[child] = self.tables[parent]
        for number in self.tables[child]:
            self.owners[number] += 1

    def free(self, sequence):
        for number in self.tables.pop(sequence):
            self.owners[number] -= 1

# %% wrong "after the copy the old block keeps a wrong owner" points=5
class PagedCache:
    def __init__(self, num_blocks, block_size):
        self.block_size = block_size
        self.blocks = [[] for _ in range(num_blocks)]
        self.owners = [0] * num_blocks
        self.tables = {}

    def table(self, sequence):
        return list(self.tables[sequence])

    def block(self, number):
        return list(self.blocks[number])

    def free_blocks(self):
        return self.owners.count(0)

    def take(self, tokens):
        if 0 not in self.owners:
            raise MemoryError("no free block")
        number = self.owners.index(0)
        self.owners[number], self.blocks[number] = 1, list(tokens)
        return number

    def allocate(self, sequence, tokens):
        pieces = [tokens[i : i + self.block_size] for i in range(0, len(tokens), self.block_size)]
        if len(pieces) > self.free_blocks():
            raise MemoryError("too few free blocks")
        self.tables[sequence] = [self.take(piece) for piece in pieces]

    def append(self, sequence, token):
        table = self.tables[sequence]
        if not table or len(self.blocks[table[-1]]) == self.block_size:
            table.append(self.take([token]))
        elif self.owners[table[-1]] == 1:
            self.blocks[table[-1]].append(token)
        else:
            table[-1] = self.take(self.blocks[table[-1]] + [token])

    def fork(self, parent, child):
        self.tables[child] = list(self.tables[parent])
        for number in self.tables[child]:
            self.owners[number] += 1

    def free(self, sequence):
        for number in self.tables.pop(sequence):
            self.owners[number] -= 1

# %% wrong "shared blocks freed by the first who leaves" points=5
class PagedCache:
    def __init__(self, num_blocks, block_size):
        self.block_size = block_size
        self.blocks = [[] for _ in range(num_blocks)]
        self.owners = [0] * num_blocks
        self.tables = {}

    def table(self, sequence):
        return list(self.tables[sequence])

    def block(self, number):
        return list(self.blocks[number])

    def free_blocks(self):
        return self.owners.count(0)

    def take(self, tokens):
        if 0 not in self.owners:
            raise MemoryError("no free block")
        number = self.owners.index(0)
        self.owners[number], self.blocks[number] = 1, list(tokens)
        return number

    def allocate(self, sequence, tokens):
        pieces = [tokens[i : i + self.block_size] for i in range(0, len(tokens), self.block_size)]
        if len(pieces) > self.free_blocks():
            raise MemoryError("too few free blocks")
        self.tables[sequence] = [self.take(piece) for piece in pieces]

    def append(self, sequence, token):
        table = self.tables[sequence]
        if not table or len(self.blocks[table[-1]]) == self.block_size:
            table.append(self.take([token]))
        elif self.owners[table[-1]] == 1:
            self.blocks[table[-1]].append(token)
        else:
            private = self.take(self.blocks[table[-1]] + [token])
            self.owners[table[-1]] -= 1
            table[-1] = private

    def fork(self, parent, child):
        self.tables[child] = list(self.tables[parent])
        for number in self.tables[child]:
            self.owners[number] += 1

    def free(self, sequence):
        for number in self.tables.pop(sequence):
            self.owners[number] = 0

# %% wrong "blocks are never given back" points=0
class PagedCache:
    def __init__(self, num_blocks, block_size):
        self.block_size = block_size
        self.blocks = [[] for _ in range(num_blocks)]
        self.owners = [0] * num_blocks
        self.tables = {}

    def table(self, sequence):
        return list(self.tables[sequence])

    def block(self, number):
        return list(self.blocks[number])

    def free_blocks(self):
        return self.owners.count(0)

    def take(self, tokens):
        if 0 not in self.owners:
            raise MemoryError("no free block")
        number = self.owners.index(0)
        self.owners[number], self.blocks[number] = 1, list(tokens)
        return number

    def allocate(self, sequence, tokens):
        pieces = [tokens[i : i + self.block_size] for i in range(0, len(tokens), self.block_size)]
        if len(pieces) > self.free_blocks():
            raise MemoryError("too few free blocks")
        self.tables[sequence] = [self.take(piece) for piece in pieces]

    def append(self, sequence, token):
        table = self.tables[sequence]
        if not table or len(self.blocks[table[-1]]) == self.block_size:
            table.append(self.take([token]))
        elif self.owners[table[-1]] == 1:
            self.blocks[table[-1]].append(token)
        else:
            private = self.take(self.blocks[table[-1]] + [token])
            self.owners[table[-1]] -= 1
            table[-1] = private

    def fork(self, parent, child):
        self.tables[child] = list(self.tables[parent])
        for number in self.tables[child]:
            self.owners[number] += 1

    def free(self, sequence):
        del self.tables[sequence]

# %% wrong "a new block for every token appended" points=0
class PagedCache:
    def __init__(self, num_blocks, block_size):
        self.block_size = block_size
        self.blocks = [[] for _ in range(num_blocks)]
        self.owners = [0] * num_blocks
        self.tables = {}

    def table(self, sequence):
        return list(self.tables[sequence])

    def block(self, number):
        return list(self.blocks[number])

    def free_blocks(self):
        return self.owners.count(0)

    def take(self, tokens):
        if 0 not in self.owners:
            raise MemoryError("no free block")
        number = self.owners.index(0)
        self.owners[number], self.blocks[number] = 1, list(tokens)
        return number

    def allocate(self, sequence, tokens):
        pieces = [tokens[i : i + self.block_size] for i in range(0, len(tokens), self.block_size)]
        if len(pieces) > self.free_blocks():
            raise MemoryError("too few free blocks")
        self.tables[sequence] = [self.take(piece) for piece in pieces]

    def append(self, sequence, token):
        self.tables[sequence].append(self.take([token]))

    def fork(self, parent, child):
        self.tables[child] = list(self.tables[parent])
        for number in self.tables[child]:
            self.owners[number] += 1

    def free(self, sequence):
        for number in self.tables.pop(sequence):
            self.owners[number] -= 1

# %% wrong "a refused allocation keeps the blocks it got" points=6
class PagedCache:
    def __init__(self, num_blocks, block_size):
        self.block_size = block_size
        self.blocks = [[] for _ in range(num_blocks)]
        self.owners = [0] * num_blocks
        self.tables = {}

    def table(self, sequence):
        return list(self.tables[sequence])

    def block(self, number):
        return list(self.blocks[number])

    def free_blocks(self):
        return self.owners.count(0)

    def take(self, tokens):
        if 0 not in self.owners:
            raise MemoryError("no free block")
        number = self.owners.index(0)
        self.owners[number], self.blocks[number] = 1, list(tokens)
        return number

    def allocate(self, sequence, tokens):
        table = []
        for i in range(0, len(tokens), self.block_size):
            table.append(self.take(tokens[i : i + self.block_size]))
        self.tables[sequence] = table

    def append(self, sequence, token):
        table = self.tables[sequence]
        if not table or len(self.blocks[table[-1]]) == self.block_size:
            table.append(self.take([token]))
        elif self.owners[table[-1]] == 1:
            self.blocks[table[-1]].append(token)
        else:
            private = self.take(self.blocks[table[-1]] + [token])
            self.owners[table[-1]] -= 1
            table[-1] = private

    def fork(self, parent, child):
        self.tables[child] = list(self.tables[parent])
        for number in self.tables[child]:
            self.owners[number] += 1

    def free(self, sequence):
        for number in self.tables.pop(sequence):
            self.owners[number] -= 1

# %% wrong "ValueError instead of MemoryError" points=3
class PagedCache:
    def __init__(self, num_blocks, block_size):
        self.block_size = block_size
        self.blocks = [[] for _ in range(num_blocks)]
        self.owners = [0] * num_blocks
        self.tables = {}

    def table(self, sequence):
        return list(self.tables[sequence])

    def block(self, number):
        return list(self.blocks[number])

    def free_blocks(self):
        return self.owners.count(0)

    def take(self, tokens):
        if 0 not in self.owners:
            raise ValueError("no free block")
        number = self.owners.index(0)
        self.owners[number], self.blocks[number] = 1, list(tokens)
        return number

    def allocate(self, sequence, tokens):
        pieces = [tokens[i : i + self.block_size] for i in range(0, len(tokens), self.block_size)]
        if len(pieces) > self.free_blocks():
            raise ValueError("too few free blocks")
        self.tables[sequence] = [self.take(piece) for piece in pieces]

    def append(self, sequence, token):
        table = self.tables[sequence]
        if not table or len(self.blocks[table[-1]]) == self.block_size:
            table.append(self.take([token]))
        elif self.owners[table[-1]] == 1:
            self.blocks[table[-1]].append(token)
        else:
            private = self.take(self.blocks[table[-1]] + [token])
            self.owners[table[-1]] -= 1
            table[-1] = private

    def fork(self, parent, child):
        self.tables[child] = list(self.tables[parent])
        for number in self.tables[child]:
            self.owners[number] += 1

    def free(self, sequence):
        for number in self.tables.pop(sequence):
            self.owners[number] -= 1

# %% wrong "append looks for room by length of the pool, and is refused while there is room" points=3
class PagedCache:
    def __init__(self, num_blocks, block_size):
        self.block_size = block_size
        self.blocks = [[] for _ in range(num_blocks)]
        self.owners = [0] * num_blocks
        self.tables = {}

    def table(self, sequence):
        return list(self.tables[sequence])

    def block(self, number):
        return list(self.blocks[number])

    def free_blocks(self):
        return self.owners.count(0)

    def take(self, tokens):
        if 0 not in self.owners:
            raise MemoryError("no free block")
        number = self.owners.index(0)
        self.owners[number], self.blocks[number] = 1, list(tokens)
        return number

    def allocate(self, sequence, tokens):
        pieces = [tokens[i : i + self.block_size] for i in range(0, len(tokens), self.block_size)]
        if len(pieces) > self.free_blocks():
            raise MemoryError("too few free blocks")
        self.tables[sequence] = [self.take(piece) for piece in pieces]

    def append(self, sequence, token):
        if self.free_blocks() == 0:
            raise MemoryError("the pool is full")
        table = self.tables[sequence]
        if not table or len(self.blocks[table[-1]]) == self.block_size:
            table.append(self.take([token]))
        elif self.owners[table[-1]] == 1:
            self.blocks[table[-1]].append(token)
        else:
            private = self.take(self.blocks[table[-1]] + [token])
            self.owners[table[-1]] -= 1
            table[-1] = private

    def fork(self, parent, child):
        self.tables[child] = list(self.tables[parent])
        for number in self.tables[child]:
            self.owners[number] += 1

    def free(self, sequence):
        for number in self.tables.pop(sequence):
            self.owners[number] -= 1

# %% wrong "room for one more block reserved from the start" points=0
class PagedCache:
    def __init__(self, num_blocks, block_size):
        self.block_size = block_size
        self.blocks = [[] for _ in range(num_blocks)]
        self.owners = [0] * num_blocks
        self.tables = {}

    def table(self, sequence):
        return list(self.tables[sequence])

    def block(self, number):
        return list(self.blocks[number])

    def free_blocks(self):
        return self.owners.count(0)

    def take(self, tokens):
        if 0 not in self.owners:
            raise MemoryError("no free block")
        number = self.owners.index(0)
        self.owners[number], self.blocks[number] = 1, list(tokens)
        return number

    def allocate(self, sequence, tokens):
        pieces = [tokens[i : i + self.block_size] for i in range(0, len(tokens), self.block_size)] + [[]]
        if len(pieces) > self.free_blocks():
            raise MemoryError("too few free blocks")
        self.tables[sequence] = [self.take(piece) for piece in pieces]

    def append(self, sequence, token):
        table = self.tables[sequence]
        if not table or len(self.blocks[table[-1]]) == self.block_size:
            table.append(self.take([token]))
        elif self.owners[table[-1]] == 1:
            self.blocks[table[-1]].append(token)
        else:
            private = self.take(self.blocks[table[-1]] + [token])
            self.owners[table[-1]] -= 1
            table[-1] = private

    def fork(self, parent, child):
        self.tables[child] = list(self.tables[parent])
        for number in self.tables[child]:
            self.owners[number] += 1

    def free(self, sequence):
        for number in self.tables.pop(sequence):
            self.owners[number] -= 1
