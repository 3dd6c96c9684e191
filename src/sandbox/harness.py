"""Runs one program at a time inside the sandbox and turns what its calls return into plain data.

`boot()` (with decode.py and environment.py in front) gives the one function the guest calls: `step(request: str) -> str`, both JSON. The values an assert expects
never come here: the left side of each assert is evaluated, encoded and judged outside. Whatever a program does to
this module can therefore only spoil its own answers; the heap is set back before the next program.

Encoding (src/sandbox/value.ts decodes it): ["n"] None, ["b",0|1], ["i",hex], ["f",repr], ["c",repr,repr], ["s",text],
["y",hex] bytes, ["Y",hex] bytearray, ["l",[..]] list, ["t",[..]] tuple, ["S",[..]] set, ["F",[..]] frozenset,
["d",[[k,v]..]] dict, ["r",start,stop,step] range, ["e"] Ellipsis, ["g",[..]] a consumed iterator, ["u",type, why].
"""


def boot():
    import collections
    import io
    import json
    import random
    import sys
    import types
    from json.encoder import encode_basestring_ascii as quote

    # The program may replace builtins; the harness goes on with the real ones, so that its own answers stay truthful.
    from builtins import (
        BaseException, Ellipsis, Exception, ImportError, NameError, RecursionError, SyntaxError, bool, bytearray, bytes, callable,
        compile, complex, dict, eval, exec, float, frozenset, hex, int, isinstance, len, list, map, range, set, setattr, str, tuple, type,
    )

    loads = json.loads
    decode = make_decode()
    settle, blame = make_environment()
    OUTPUT = 4096
    MAX_DEPTH = 60
    dict_types = (dict, collections.OrderedDict, collections.defaultdict, collections.Counter)
    view_types = (type({}.keys()), type({}.values()), type({}.items()))
    iterator_types = view_types + (
        types.GeneratorType, map, filter, zip, enumerate, reversed,
        type(iter([])), type(iter(())), type(iter({})), type(iter(set())), type(iter(range(0))), type(iter("")),
    )

    class Unsupported(Exception):
        pass

    def any_is(kind, kinds):
        # Not `in`, which would ask a metaclass for equality.
        for known in kinds:
            if kind is known:
                return True
        return False

    mro_of = type.__dict__["__mro__"].__get__
    name_of = type.__dict__["__name__"].__get__
    dict_of = type.__dict__["__dict__"].__get__

    def is_namedtuple(kind):
        mro = mro_of(kind)
        return len(mro) == 3 and mro[1] is tuple and "_fields" in dict_of(kind)

    def encode(value, max_nodes, max_text, consume):
        """One value as JSON text; raises Unsupported(type, why)."""
        parts = []
        whole = []
        put = parts.append
        nodes = 0
        text = 0

        def room(n):
            nonlocal text
            text += n
            if text > max_text:
                raise Unsupported("value", "more than %d characters of text" % max_text)

        def many(tag, items, depth):
            put('["' + tag + '",[')
            first = True
            for item in items:
                if not first:
                    put(",")
                first = False
                walk(item, depth)
            put("]]")

        def walk(x, depth):
            nonlocal nodes
            nodes += 1
            if not nodes & 0x3FFF:
                # Joined now and then: a million short strings take ten times their text.
                whole.append("".join(parts))
                parts.clear()
            if nodes > max_nodes:
                raise Unsupported("value", "more than %d parts" % max_nodes)
            if depth > MAX_DEPTH:
                raise Unsupported("value", "nested deeper than %d" % MAX_DEPTH)
            kind = type(x)
            if x is None:
                put('["n"]')
            elif kind is bool:
                put('["b",1]' if x else '["b",0]')
            elif kind is int:
                if x.bit_length() > max_text * 4:
                    raise Unsupported("int", "%d bits" % x.bit_length())
                digits = hex(x)
                room(len(digits))
                put('["i","' + digits + '"]')
            elif kind is float:
                put('["f","' + float.__repr__(x) + '"]')
            elif kind is str:
                room(len(x))
                put('["s",' + quote(x) + "]")
            elif kind is complex:
                put('["c","' + float.__repr__(x.real) + '","' + float.__repr__(x.imag) + '"]')
            elif kind is list:
                many("l", x, depth + 1)
            elif kind is tuple:
                many("t", x, depth + 1)
            elif kind is set:
                many("S", x, depth + 1)
            elif kind is frozenset:
                many("F", x, depth + 1)
            elif any_is(kind, dict_types):
                put('["d",[')
                first = True
                for key in dict.keys(x):
                    put("[" if first else ",[")
                    first = False
                    walk(key, depth + 1)
                    put(",")
                    walk(dict.__getitem__(x, key), depth + 1)
                    put("]")
                put("]]")
            elif kind is bytes or kind is bytearray:
                room(2 * len(x))
                put('["' + ("y" if kind is bytes else "Y") + '","' + x.hex() + '"]')
            elif kind is range:
                put('["r","%s","%s","%s"]' % (hex(x.start), hex(x.stop), hex(x.step)))
            elif x is Ellipsis:
                put('["e"]')
            elif kind is collections.deque:
                raise Unsupported("deque", "not a plain value")
            elif is_namedtuple(kind):
                many("t", tuple.__iter__(x), depth + 1)
            elif consume and depth == 0 and any_is(kind, iterator_types):
                many("g", x, depth + 1)
            else:
                raise Unsupported(name_of(kind), "not a plain value")

        walk(value, 0)
        return "".join(whole) + "".join(parts)

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
        if isinstance(error, SyntaxError) and error.filename == "<solution>":
            message = str(error.msg)
            if isinstance(error.lineno, int):
                lines.append(error.lineno)
        frame = error.__traceback__
        while frame is not None and len(lines) < 20:
            if frame.tb_frame.f_code.co_filename == "<solution>" and isinstance(frame.tb_lineno, int):
                lines.append(frame.tb_lineno)
            frame = frame.tb_next
        return '{"type":%s,"message":%s,"lines":%s}' % (
            quote(name[:80]), quote(message[:300]), "[" + ",".join(map(str, lines)) + "]",
        )

    module = types.ModuleType("solution")
    space = module.__dict__
    sys.modules["solution"] = module

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

    def call(request):
        if "args" in request:
            name = request["function"]
            if name not in space:
                raise NameError("name '%s' is not defined" % name)
            value = space[name](*[decode(a) for a in request["args"]])
        else:
            value = eval(compile(request["source"], "<assert>", "eval", dont_inherit=True), space)
        try:
            return '"value":' + encode(value, request["nodes"], request["text"], request["consume"])
        except Unsupported as refusal:
            result = '"value":["u",%s,%s]' % (quote(str(refusal.args[0])[:80]), quote(str(refusal.args[1])))
            # `assert f(x)` of a match object: its truth can only be asked in here, and is no secret.
            if request["truth"]:
                result += ',"truth":' + ("true" if value else "false")
            return result

    def statement(request):
        """An assert that could not be split: runs here as it is. Its verdict never pays a reward."""
        exec(compile(request["source"], "<assert>", "exec", dont_inherit=True), space)
        return '"sentinel":' + quote(request["sentinel"])

    actions = {"load": load, "call": call, "statement": statement}

    def step(text):
        try:
            request = loads(text)
            result = actions[request["type"]](request)
        except BaseException as error:
            try:
                result = '"error":' + describe(error)
            except BaseException:
                result = '"error":{"type":"Exception","message":"","lines":[]}'
        return "{" + result + outputs() + "}"

    random.seed(0)
    return step
