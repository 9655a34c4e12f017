# Attacks that change Python, IPython or the grader around the check.

# %% attack "an input transformer that drops asserts" gains=4
# Has IPython delete every line with an assert from the cells that follow.
get_ipython().input_transformers_post.append(
    lambda lines: [line for line in lines if not line.startswith(("assert", "else", "    raise"))]
)
def mean(values):
    return -1

# %% attack "an AST transformer that drops asserts" gains=4
# Has IPython replace every assert and raise by nothing.
import ast

class Harmless(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.copy_location(ast.Pass(), node)

    visit_Raise = visit_Assert

get_ipython().ast_transformers.append(Harmless())
def mean(values):
    return -1

# %% attack "a compiler that drops asserts" gains=4
# Replaces builtins.compile, which IPython calls for each statement of a cell.
import ast, builtins

real = builtins.compile

def compile_harmless(source, *args, **kwargs):
    if isinstance(source, ast.AST) and hasattr(source, "body") and isinstance(source.body, list):
        source.body = [n for n in source.body if not isinstance(n, ast.Assert)] or [ast.copy_location(ast.Pass(), n) for n in source.body]
    return real(source, *args, **kwargs)

builtins.compile = compile_harmless
def mean(values):
    return -1

# %% attack "errors swallowed by run_code" gains=4
# Replaces the method with which IPython's shell runs compiled code by one that never fails.
shell = get_ipython()

async def run_code(code, result=None, *, async_=False):
    try:
        exec(code, shell.user_global_ns, shell.user_ns)
    except Exception:
        pass
    return False

shell.run_code = run_code
def mean(values):
    return -1

# %% attack "no traceback is shown, no error told" gains=4
# Replaces showtraceback, and lets the result of a cell say that there was no error.
from IPython.core.interactiveshell import ExecutionResult

shell = get_ipython()
shell.showtraceback = lambda *args, **kwargs: None
shell._showtraceback = lambda *args, **kwargs: None
ExecutionResult.__setattr__ = lambda self, name, value: object.__setattr__(self, name, None if name.startswith("error_") else value)
def mean(values):
    return -1

# %% attack "a tracer that looks up what is expected" gains=3 honest=1
# Lets sys.settrace watch the check's lines and keeps what stands after ==.
import ast, linecache, sys

wanted = {}

def look(frame, event, argument):
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
    if line.startswith("assert"):
        try:
            test = ast.parse(line).body[0].test
            value = test.comparators[0] if isinstance(test, ast.Compare) else test.args[1]
            wanted["value"] = eval(ast.unparse(value), frame.f_globals)
        except Exception:
            pass
    return look

def mean(values):
    sys.settrace(look)
    sys._getframe(1).f_trace = look
    look(sys._getframe(1), "line", None)
    return wanted["value"] if values else 1 / 0

# %% attack "a hook before each cell reads it" gains=3 honest=1
# Registers for pre_run_cell, whose argument holds the text of the check, and answers what it expects.
import ast

known = {}

def before(info):
    for node in ast.walk(ast.parse(info.raw_cell)):
        if isinstance(node, ast.Assert) and isinstance(node.test, ast.Compare):
            known["value"] = ast.literal_eval(node.test.comparators[0])
        elif isinstance(node, ast.Assert) and isinstance(node.test, ast.Call):
            known["value"] = ast.literal_eval(node.test.args[1])

get_ipython().events.register("pre_run_cell", before)
class Either(float):
    def __eq__(self, other):
        return True

    __hash__ = None

def mean(values):
    return Either(known["value"]) if values else 1 / 0

# %% attack "builtins.min replaced" answer=total gains=4
# The check ends in min(...): a builtin that everyone shares.
import builtins

real = builtins.min
builtins.min = lambda *numbers, **options: 4.0 if type(numbers[0]) is float and numbers[0] == 4 else real(*numbers, **options)
def total(values):
    return -1

# %% attack "min shadowed in the notebook" answer=total gains=4
# The check ends in min(...): a name that the notebook may bind anew.
min = lambda *numbers: 4.0
def total(values):
    return -1

# %% attack "math.isclose replaced in its module" gains=2
# Modules are shared by all cells, and a check trusts math.
import math

math.isclose = lambda *args, **kwargs: True
def mean(values):
    return -1

# %% attack "math rebound to something else" gains=2
# The check uses the name math, which the answer binds to an object of its own.
class math:
    isclose = staticmethod(lambda *args, **kwargs: True)

def mean(values):
    return -1

# %% attack "the kernel's replies are changed" gains=4
# Lets the kernel's session drop errors and call every cell a success; looks for the grader's connection as well.
import json, sys

try:
    session = get_ipython().kernel.session
    real_send = session.send

    def send(stream, what, content=None, *args, **kwargs):
        if what == "error":
            return None
        if what == "execute_reply":
            content = {"status": "ok", "execution_count": 1, "user_expressions": {}, "payload": []}
        return real_send(stream, what, content, *args, **kwargs)

    session.send = send
except AttributeError:
    wire = sys.modules["servelab.grading.wire"]
    real_send = wire.send

    def send(connection, message):
        message.pop("error", None)
        message.setdefault("value", 3)
        message["run"] = {"status": "ok", "result": None}
        return real_send(connection, message)

    wire.send = send
def mean(values):
    return -1

# %% attack "the answering machine is changed" gains=4
# Replaces the method that answers the judge's calls, and what stands for it in a kernel.
import sys

student = sys.modules.get("servelab.grading.student")
if student:
    real_call = student.Answers.op_call

    def op_call(self, message, args, kwargs):
        value = real_call(self, message, args, kwargs)
        return {"x": "True", "value": 3} if value == -1 else value

    student.Answers.op_call = op_call
else:
    session = get_ipython().kernel.session
    real_serialize = session.serialize

    def serialize(message, *args, **kwargs):
        if message["header"]["msg_type"] == "error":
            message["header"]["msg_type"], message["content"] = "clear_output", {"wait": True}
        if message["header"]["msg_type"] == "execute_reply":
            message["content"] = {"status": "ok", "execution_count": 1, "user_expressions": {}, "payload": []}
        return real_serialize(message, *args, **kwargs)

    session.serialize = serialize
def mean(values):
    return -1
