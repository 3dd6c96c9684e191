"""Python values as JSON and back. Put in front of harness.py and splitter.py: values cross between the two as data.

Plain values (src/sandbox/value.ts reads them): ["n"] None, ["b",0|1], ["i",hex], ["f",repr], ["c",repr,repr],
["s",text], ["y",hex] bytes, ["Y",hex] bytearray, ["l",[..]] list, ["t",[..]] tuple, ["S",[..]] set, ["F",[..]]
frozenset, ["d",[[k,v]..]] dict, ["r",start,stop,step] range, ["e"] Ellipsis.
Values with a type of their own: ["x",type,[parts]] of the standard library (LIBRARY below; "surrogates" is text with
lone ones, which JSON would join), ["T",name] a builtin type,
["N",type,[fields],[values]] a namedtuple, ["D",type,[fields],[values]] a dataclass, ["E",type,[member],[]] an Enum's
member, ["g",[..],kind,cut] an iterator whose items were read; `cut` says what kept it from its end, "" for nothing.
["u",type,why] stands for a value that cannot cross.
"""


def make_wire():
    import collections
    import datetime
    import decimal
    import enum
    import fractions
    import sys
    import types
    from json.encoder import encode_basestring_ascii as quote

    # The program may replace builtins; what is said of its values is still said by the real ones.
    from builtins import (
        BaseException, Ellipsis, Exception, NotImplemented, ValueError, bool, bytearray, bytes, complex, dict, enumerate,
        filter, float, frozenset, getattr, hex, int, isinstance, issubclass, iter, len, list, map, next, object, range, repr,
        reversed, set, str, sum, tuple, type, zip,
    )
    import builtins as the_builtins

    MAX_DEPTH = 60
    MAX_ITEMS = 50_000
    date, time, delta, zone = datetime.date, datetime.time, datetime.timedelta, datetime.timezone
    deque, Counter, OrderedDict, defaultdict = (
        collections.deque, collections.Counter, collections.OrderedDict, collections.defaultdict,
    )
    keys_type, values_type, items_type = type({}.keys()), type({}.values()), type({}.items())
    BUILTINS = {value: name for name, value in the_builtins.__dict__.items() if type(value) is type}

    def moment(x):
        return [x.hour, x.minute, x.second, x.microsecond, x.tzinfo, x.fold]

    def factory(x):
        made = x.default_factory
        if made is not None and type(made) is not type:
            raise Unsupported("defaultdict", "its default_factory is not a builtin type")
        return made

    # How a type crosses: its name, its parts, and how it is made of them.
    LIBRARY = {
        deque: ("deque", lambda x: [list(x), x.maxlen], deque),
        Counter: ("Counter", lambda x: [plain_dict(x)], Counter),
        OrderedDict: ("OrderedDict", lambda x: [[(k, dict.__getitem__(x, k)) for k in OrderedDict.keys(x)]], OrderedDict),
        defaultdict: ("defaultdict", lambda x: [factory(x), plain_dict(x)], defaultdict),
        decimal.Decimal: ("Decimal", lambda x: [decimal.Decimal.__str__(x)], decimal.Decimal),
        fractions.Fraction: ("Fraction", lambda x: [x.numerator, x.denominator], fractions.Fraction),
        date: ("datetime.date", lambda x: [x.year, x.month, x.day], date),
        datetime.datetime: (
            "datetime.datetime",
            lambda x: [x.year, x.month, x.day, *moment(x)],
            lambda *a: datetime.datetime(*a[:8], fold=a[8]),
        ),
        time: ("datetime.time", moment, lambda *a: time(*a[:5], fold=a[5])),
        delta: ("datetime.timedelta", lambda x: [x.days, x.seconds, x.microseconds], delta),
        zone: ("datetime.timezone", lambda x: [x.utcoffset(None)], zone),
        keys_type: ("dict_keys", lambda x: [list(x)], lambda a: dict.fromkeys(a).keys()),
        values_type: ("dict_values", lambda x: [list(x)], lambda a: dict(enumerate(a)).values()),
        items_type: ("dict_items", lambda x: [list(x)], lambda a: dict(a).items()),
        types.SimpleNamespace: ("SimpleNamespace", lambda x: [x.__dict__], lambda a: types.SimpleNamespace(**a)),
        type(NotImplemented): ("NotImplemented", lambda x: [], lambda: NotImplemented),
    }
    MAKERS = {name: make for name, _, make in LIBRARY.values()}
    MAKERS["surrogates"] = lambda *codes: "".join([chr(c) for c in codes])
    # Their order or their identity shows in what a test makes of them: not to be rebuilt before that.
    DICTS = (Counter, OrderedDict, defaultdict)
    VIEWS = (keys_type, values_type, items_type)
    ITERATORS = (
        map, filter, zip, enumerate, reversed, type(iter([])), type(iter(())), type(iter({})), type(iter(set())),
        type(iter(range(0))), type(iter("")), type(iter(b"")), type(reversed([])), type(iter({}.values())),
        type(iter({}.items())), type(iter(range(2**100))), type(iter(deque())), type(iter(int, 0)),
    )

    class Unsupported(Exception):
        """(type, why) of a value that cannot cross."""

    NOT_PLAIN = "not a plain value"
    AN_ITERATOR = "an iterator, whose items the test may still ask for"

    def plain_dict(x):
        return {k: dict.__getitem__(x, k) for k in dict.keys(x)}

    def any_is(kind, kinds):
        # Not `in`, which would ask a metaclass for equality.
        for known in kinds:
            if kind is known:
                return True
        return False

    def has_halves(x):
        """Whether a text holds lone surrogates: JSON would join two of them into one character."""
        try:
            x.encode()
            return False
        except UnicodeEncodeError:
            return True

    def library(kind):
        for known in LIBRARY:
            if kind is known:
                return LIBRARY[known]
        return None

    mro_of = type.__dict__["__mro__"].__get__
    name_of = type.__dict__["__name__"].__get__
    dict_of = type.__dict__["__dict__"].__get__

    def is_namedtuple(kind):
        mro = mro_of(kind)
        return len(mro) == 3 and mro[1] is tuple and "_fields" in dict_of(kind)

    def is_iterator(kind):
        if kind is types.GeneratorType or any_is(kind, ITERATORS):
            return True
        itertools = sys.modules.get("itertools")
        return itertools is not None and any_is(kind, [v for v in itertools.__dict__.values() if type(v) is type])

    def fields_of(x, kind):
        """Names of a dataclass' fields, where `==` is the generated one."""
        own = dict_of(kind)
        fields = own.get("__dataclass_fields__")
        equal = own.get("__eq__")
        if type(fields) is not dict or type(equal) is not types.FunctionType:
            return None
        if equal.__code__.co_filename != "<string>":
            return None
        return [name for name, f in fields.items() if f._field_type.name == "_FIELD" and f.compare]

    def encode(value, max_nodes, max_text, how="", as_data=False):
        """One value as JSON text; raises Unsupported(type, why).

        `how`: "" any value; "early" only one that an expression around it cannot tell from its copy (no set, whose
        order may show, no view, no iterator, nothing with methods of its own); "consume" reads an iterator's items.
        `as_data`: a dict, a tuple or an iterator's items instead of a type of its own, for who compares data.
        """
        parts = []
        whole = []
        put = parts.append
        nodes = 0
        text = 0
        early = how == "early"

        def room(n):
            nonlocal text
            text += n
            if text > max_text:
                raise Unsupported("value", "more than %d characters of text" % max_text)

        def many(tag, items, depth, end="]]"):
            put('["' + tag + '",[')
            first = True
            for item in items:
                if not first:
                    put(",")
                first = False
                walk(item, depth)
            put(end)

        def fields(tag, name, names, values, depth):
            room(sum(map(len, names)))
            put('["' + tag + '",' + quote(name[:80]) + ",[" + ",".join([quote(n) for n in names]) + "],[")
            first = True
            for item in values:
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
                if x.isascii() or not has_halves(x):
                    put('["s",' + quote(x) + "]")
                else:
                    put('["x","surrogates",[' + ",".join(['["i","%s"]' % hex(ord(c)) for c in x]) + "]]")
            elif kind is complex:
                put('["c","' + float.__repr__(x.real) + '","' + float.__repr__(x.imag) + '"]')
            elif kind is list:
                many("l", x, depth + 1)
            elif kind is tuple:
                many("t", x, depth + 1)
            elif kind is set or kind is frozenset:
                if early and len(x) > 1:
                    raise Unsupported(name_of(kind), NOT_PLAIN)
                many("S" if kind is set else "F", x, depth + 1)
            elif kind is dict:
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
            else:
                typed(x, kind, depth)

        def typed(x, kind, depth):
            known = library(kind)
            if as_data and any_is(kind, DICTS):
                walk(plain_dict(x), depth)
            elif as_data and is_namedtuple(kind):
                many("t", tuple.__iter__(x), depth + 1)
            elif as_data and any_is(kind, VIEWS):
                if how != "consume" or depth > 0:
                    raise Unsupported(name_of(kind), NOT_PLAIN)
                many("g", x, depth + 1)
            elif kind is type and x in BUILTINS:
                put('["T",' + quote(BUILTINS[x]) + "]")
            elif early and (known is None or any_is(kind, VIEWS)):
                raise Unsupported(name_of(kind), NOT_PLAIN)
            elif known is not None:
                put('["x",' + quote(known[0]) + ",")
                many_parts = known[1](x)
                put("[")
                first = True
                for part in many_parts:
                    if not first:
                        put(",")
                    first = False
                    walk(part, depth + 1)
                put("]]")
            elif is_namedtuple(kind):
                fields("N", name_of(kind), [str(f) for f in dict_of(kind)["_fields"]], tuple.__iter__(x), depth + 1)
            elif how == "consume" and depth == 0 and is_iterator(kind):
                put('["g",[')
                first = True
                cut = '""'
                items = iter(x)
                while True:
                    # One that never ends, or that raises, may still be asked for its first items.
                    if nodes > min(max_nodes // 2, MAX_ITEMS) or text > max_text // 2:
                        cut = '"Cut"'
                        break
                    try:
                        item = next(items)
                    except StopIteration:
                        break
                    except Exception as error:
                        cut = quote(name_of(type(error))[:80])
                        break
                    if not first:
                        put(",")
                    first = False
                    walk(item, depth + 1)
                put('],"%s",%s]' % ("generator" if kind is types.GeneratorType else "iterator", cut))
            elif is_iterator(kind):
                raise Unsupported(name_of(kind), AN_ITERATOR)
            elif isinstance(type(kind), type) and issubclass(type(kind), enum.EnumMeta):
                fields("E", name_of(kind), [str(x.name)], [], depth + 1)
            else:
                names = fields_of(x, kind)
                if names is None:
                    raise Unsupported(name_of(kind), NOT_PLAIN)
                fields("D", name_of(kind), names, [object.__getattribute__(x, n) for n in names], depth + 1)

        try:
            walk(value, 0)
        except Unsupported:
            raise
        except (AttributeError, TypeError, ValueError, KeyError):
            # A type that is not what it says it is.
            raise Unsupported(name_of(type(value)), NOT_PLAIN) from None
        return "".join(whole) + "".join(parts)

    from builtins import AttributeError, KeyError, StopIteration, TypeError, UnicodeEncodeError, chr, ord

    sequences = {"l": list, "t": tuple, "S": set, "F": frozenset}

    class Instance:
        """A dataclass or a member of an Enum as it crossed: equal by type and fields."""

        def __init__(self, name, fields, values):
            self.facts = (name, tuple(fields), tuple(values))

        def __eq__(self, other):
            return self.facts == other.facts if type(other) is Instance else NotImplemented

        def __hash__(self):
            return hash(self.facts)

        def __repr__(self):
            name, fields, values = self.facts
            if not values and len(fields) == 1:
                return "%s.%s" % (name, fields[0])
            return "%s(%s)" % (name, ", ".join("%s=%r" % pair for pair in zip(fields, values)))

    from builtins import hash

    def named(name, fields):
        try:
            return collections.namedtuple(name, fields)
        except (ValueError, TypeError):
            return lambda *values: tuple(values)

    class Cut(Exception):
        """More items were asked of an iterator than were looked at."""

    def generator(items, cut):
        yield from items
        if cut == "Cut":
            raise Cut("only the first %d items of this iterator were looked at" % len(items))
        if cut:
            raise type(cut, (Exception,), {})("the program raised it")

    class Iterator:
        """Like the iterators of the library: with items to come, and without a length."""

        def __init__(self, items, cut):
            self.items = generator(items, cut)

        def __iter__(self):
            return self

        def __next__(self):
            return self.items.__next__()

    def decode(node):
        tag = node[0]
        if tag == "i":
            return int(node[1], 16)
        if tag == "s":
            return node[1]
        if tag == "f":
            return float(node[1])
        if tag in sequences:
            return sequences[tag]([decode(i) for i in node[1]])
        if tag == "b":
            return bool(node[1])
        if tag == "n":
            return None
        if tag == "c":
            return complex(float(node[1]), float(node[2]))
        if tag == "y":
            return bytes.fromhex(node[1])
        if tag == "Y":
            return bytearray.fromhex(node[1])
        if tag == "r":
            return range(int(node[1], 16), int(node[2], 16), int(node[3], 16))
        if tag == "e":
            return Ellipsis
        if tag == "d":
            return dict([(decode(k), decode(v)) for k, v in node[1]])
        if tag == "g":
            items = [decode(i) for i in node[1]]
            kind, cut = (node[2], node[3]) if len(node) > 3 else ("iterator", "")
            return generator(items, cut) if kind == "generator" else Iterator(items, cut)
        if tag == "x":
            return MAKERS[node[1]](*[decode(i) for i in node[2]])
        if tag == "T":
            return getattr(the_builtins, node[1])
        if tag == "N":
            return named(node[1], node[2])(*[decode(i) for i in node[3]])
        if tag == "D" or tag == "E":
            return Instance(node[1], node[2], [decode(i) for i in node[3]])
        raise ValueError("there is no value with the tag %r" % tag)

    return encode, decode, Unsupported
