"""Runs one program at a time inside the sandbox and turns what its calls return into data.

`boot()` (with wire.py and environment.py in front) gives the one function the guest calls: `step(request: str) -> str`, both JSON. The
values an assert expects never come here: the parts of an assert that only the program can make are evaluated, encoded
(wire.py) and judged outside. Whatever a program does to this module can therefore only spoil its own answers; the heap
is set back before the next program.

Tests run in a namespace of their own: their names first, then the real builtins that asserts use, then the program's.
"""


def boot():
    import io
    import json
    import random
    import sys
    import types
    from json.encoder import encode_basestring_ascii as quote

    # The program may replace builtins; the harness goes on with the real ones, so that its own answers stay truthful.
    from builtins import (
        BaseException, NameError, RecursionError, SyntaxError, bytearray, bytes, compile, dict, dir, enumerate, eval, exec, getattr, int,
        isinstance, len, map, setattr, str, type,
    )
    import builtins

    loads = json.loads
    encode, decode, Unsupported = make_wire()
    settle, blame = make_environment()
    name_of = type.__dict__["__name__"].__get__
    OUTPUT = 4096

    class Capture(io.RawIOBase):
        """Keeps the first 4 kB of what is written and counts the rest."""

        def __init__(self):
            self.kept = bytearray()
            self.total = 0

        def writable(self):
            return True

        def write(self, data):
            size = len(data)
            self.total += size
            space = OUTPUT - len(self.kept)
            if space > 0:
                self.kept += bytes(data[:space])
            return size

    captures = {}

    def capture():
        for name in ("stdout", "stderr"):
            raw = Capture()
            captures[name] = raw
            setattr(sys, name, io.TextIOWrapper(raw, "utf-8", "backslashreplace", write_through=True))
            setattr(sys, "__" + name + "__", getattr(sys, name))
        sys.stdin = io.TextIOWrapper(io.BytesIO(), "utf-8")
        sys.__stdin__ = sys.stdin

    def outputs():
        parts = []
        for name in ("stdout", "stderr"):
            raw = captures[name]
            if raw.total:
                kept = bytes(raw.kept).decode("utf-8", "ignore")
                parts.append(',"%s":[%s,%d]' % (name, quote(kept), raw.total))
        return "".join(parts)

    def describe(error):
        """Type, message and line numbers in the solution, as JSON text."""
        name = name_of(type(error))
        lacking = None
        try:
            message = str(error)
            lacking = blame(error)
        except BaseException:
            message = ""
        if lacking is not None:
            message = lacking + " (%s: %s)" % (name, message)
            name = name if isinstance(error, RecursionError) else "SandboxLimit"
        lines = []
        place = ""
        if isinstance(error, SyntaxError) and isinstance(error.filename, str):
            place = error.filename
            if place == "<solution>":
                message = str(error.msg)
                if isinstance(error.lineno, int):
                    lines.append(error.lineno)
        frame = error.__traceback__
        while frame is not None:
            file = frame.tb_frame.f_code.co_filename
            if file == "<solution>" and isinstance(frame.tb_lineno, int):
                lines.append(frame.tb_lineno)
            elif file == "<setup>":
                place = file
            frame = frame.tb_next
        if len(lines) > 20:
            lines = lines[:5] + lines[-15:]
        of = "" if lines else {"<test>": ',"of":"test"', "<assert>": ',"of":"test"', "<setup>": ',"of":"setup"'}.get(place, "")
        return '{"type":%s,"message":%s,"lines":%s%s}' % (
            quote(name[:80]), quote(message[:300]), "[" + ",".join(map(str, lines)) + "]", of,
        )

    module = types.ModuleType("solution")
    space = module.__dict__
    sys.modules["solution"] = module

    class Names(dict):
        """The tests' own names; any other is the program's."""

        def __missing__(self, name):
            return space[name]

    # The real builtins, so that a program that takes their names changes no test. `_solution["sum"]` is the program's.
    tests = Names({name: getattr(builtins, name) for name in dir(builtins)}, _made=decode, _solution=space)
    tests["__name__"] = "solution"

    def load(request):
        capture()
        settle()
        parts = [(request["setup"], "<setup>"), (request["solution"], "<solution>")]
        if request["setupAfterSolution"]:
            parts.reverse()
        for source, filename in parts:
            if source:
                exec(compile(source, filename, "exec", dont_inherit=True), space)
        return '"ok":true'

    on_the_way = False

    def before(request):
        """What the test does on its way to this assert."""
        nonlocal on_the_way
        if request.get("before"):
            on_the_way = True
            exec(compile(request["before"], "<test>", "exec", dont_inherit=True), tests)
            on_the_way = False

    def call(request):
        if "args" in request:
            name = request["function"]
            if name not in space:
                raise NameError("name '%s' is not defined" % name)
            value = space[name](*[decode(a) for a in request["args"]])
            levels = ()
        else:
            before(request)
            first, *levels = request["levels"]
            value = eval(compile(first, "<assert>", "eval", dont_inherit=True), tests)
        # A value that an expression around it can tell from its copy stays: the expression is evaluated here.
        for level, source in enumerate(levels):
            try:
                encoded = encode(value, request["nodes"], request["text"], "early")
                return '"value":%s,"level":%d' % (encoded, level)
            except Unsupported:
                tests["_h"] = value
                value = eval(compile(source, "<assert>", "eval", dont_inherit=True), tests)
        try:
            how = "consume" if request["consume"] else ""
            encoded = encode(value, request["nodes"], request["text"], how, "args" in request)
            return '"value":%s,"level":%d' % (encoded, len(levels))
        except Unsupported as refusal:
            result = '"value":["u",%s,%s]' % (quote(str(refusal.args[0])[:80]), quote(str(refusal.args[1])))
            # `assert f(x)` of a match object: its truth can only be asked in here, and is no secret.
            if request["truth"]:
                result += ',"truth":' + ("true" if value else "false")
            return result + ',"level":%d' % len(levels)

    def statement(request):
        """A test that could not be split: runs here as it is. Its verdict never pays a reward."""
        before(request)
        exec(compile(request["source"], "<test>", "exec", dont_inherit=True), tests)
        return '"sentinel":' + quote(request["sentinel"])

    def run(request):
        """What a test still does after its last assert."""
        before(request)
        return '"ok":true'

    actions = {"load": load, "call": call, "statement": statement, "run": run}

    def step(text):
        nonlocal on_the_way
        on_the_way = False
        try:
            request = loads(text)
            result = actions[request["type"]](request)
        except BaseException as error:
            try:
                result = '"error":' + describe(error)
            except BaseException:
                result = '"error":{"type":"Exception","message":"","lines":[]}'
            if on_the_way:
                result += ',"before":true'
        return "{" + result + outputs() + "}"

    random.seed(0)
    return step
