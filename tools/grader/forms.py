"""Asserts around one call: plain ones, and every way in which people wrap a result."""

NUMBER = [
    "abs({e} - {v!r}) < 1e-6", "math.isclose({e}, {v!r})", "round({e}, 2) == {round}", "int({e}) == {int}",
    "{below} < {e} < {above}", "{e} >= {v!r}", "-{e} == {neg!r}", "float({e}) == {float}", "{e} in ({v!r}, 'x')",
    "{e} not in [{above}]", "isinstance({e}, (int, float))", "str({e}) == {str!r}", "f'{{{e}}}' == {str!r}",
    "type({e}) is {type}", "[{e}] == [{v!r}]", "({e}, 1) == ({v!r}, 1)", "{e} == {v!r} or {e} == 'never'",
    "not {e} == {above}", "{e} is not None", "divmod({e}, 1)[0] == {floor}",
]
BOOL = ["{e} is {v!r}", "{not_}{e}", "bool({e}) is {v!r}", "{e} in (True, False)", "int({e}) == {int}", "({e}) != {other!r}"]
TEXT = [
    "len({e}) == {len}", "{e}.lower() == {lower!r}", "{e}.startswith({start!r})", "{e} + 'x' == {v!r} + 'x'", "{e}[:2] == {two!r}",
    "list({e}) == {list!r}", "set({e}) == {set!r}", "{e}.count('a') == {count_a}", "isinstance({e}, str)", "repr({e}) == {repr!r}",
    "{e} in [{v!r}]", "sorted({e}) == {sorted!r}", "''.join(reversed({e})) == {reversed!r}", "{e} == {v!r} != 'y'", "{e}.split() == {split!r}",
]
SEQUENCE = [
    "len({e}) == {len}", "list({e}) == {list!r}", "tuple({e}) == tuple({list!r})", "sorted({e}) == {sorted!r}", "set({e}) == set({list!r})",
    "{e} != {v!r} + {v!r} or not {e}", "{e}[:1] == {v!r}[:1]", "sum(1 for _ in {e}) == {len}", "list(reversed({e})) == {reversed!r}",
    "all(x in {list!r} for x in {e})", "any(x == 'never' for x in {e}) is False", "dict(enumerate({e})) == {enumerated!r}", "isinstance({e}, {type})",
    "[*{e}] == {list!r}", "str({e}) == {str!r}", "'never' not in {e}", "max(list({e}) + [0], key=str) == {max_str!r}", "type({e}) == {type}",
    "list(zip({e}, range(9))) == {zipped!r}", "type({e}).__name__ == {type_name!r}", "bool({e}) is {truth}",
]
SET = [
    "len({e}) == {len}", "sorted({e}, key=str) == {sorted_str!r}", "{e} <= {v!r}", "{e} | set() == {v!r}", "set({e}) == set({list!r})", "isinstance({e}, {type})",
    "not {e} - {v!r}", "{e} == frozenset({list!r})", "all(x in {e} for x in {list!r})", "'never' not in {e}",
]
DICT = [
    "len({e}) == {len}", "sorted({e}.items(), key=str) == {items_str!r}", "list({e}) == {list!r}", "dict({e}) == {dict!r}", "set({e}.keys()) == set({list!r})",
    "list({e}.values()) == {values!r}", "{e}.get('never') is None", "isinstance({e}, dict)", "str(dict({e})) == {dict_str!r}", "'never' not in {e}", "{e}.keys() == {dict!r}.keys()",
    "{{**{e}}} == {dict!r}", "sorted({e}, key=str) == {sorted_str!r}", "type({e}).__name__ == {type_name!r}",
]
ITERATOR = [
    "list({e}) == {list!r}", "tuple({e}) == tuple({list!r})", "next({e}) == {first!r}", "sorted({e}) == {sorted!r}", "sum(1 for _ in {e}) == {len}", "[*{e}] == {list!r}",
    "set({e}) == set({list!r})", "list(itertools.islice({e}, 2)) == {two!r}", "[x for x in {e}] == {list!r}", "all(x in {list!r} for x in {e})", "next(iter({e})) == {first!r}",
    "dict(enumerate({e})) == {enumerated!r}", "list(zip({e}, 'ab')) == {zip_ab!r}", "len(list({e})) == {len}", "max({e}) == {max!r}", "{first!r} in {e}", "not isinstance({e}, list)",
    "hasattr({e}, '__next__')", "{e} != {list!r}",
]
ENDLESS = ["next({e}) == {first!r}", "list(itertools.islice({e}, 3)) == {three!r}", "[x for x, _ in zip({e}, range(3))] == {three!r}", "next(x for x in {e} if x > 7) == 8", "isinstance({e}, types.GeneratorType)"]
VIEW = ["list({e}) == {list!r}", "{e} == set({list!r})", "sorted({e}) == {sorted!r}", "len({e}) == {len}", "set({e}) == set({list!r})", "{first!r} in {e}", "list({e})[0] == {first!r}", "{e} == {list!r} or True"]
OBJECT = ["str({e}) == {str!r}", "repr({e}) == {repr!r}", "type({e}).__name__ == {type_name!r}", "{e} is not None", "[{e}] == [{e}]", "not ({e} != {e})"]
ATTRIBUTES = {
    "namedtuple": ["{e}.x == {v.x!r}", "{e}[1] == {v.y!r}", "{e} == ({v.x!r}, {v.y!r})", "tuple({e}) == ({v.x!r}, {v.y!r})", "len({e}) == 2", "{e}._asdict() == {{'x': {v.x!r}, 'y': {v.y!r}}}"],
    "dataclass": ["{e}.x == {v.x!r}", "({e}.x, {e}.y) == ({v.x!r}, {v.y!r})", "{e} == Place({v.x!r}, {v.y!r})", "isinstance({e}, Place)"],
    "Decimal": ["{e} == Decimal({str!r})", "float({e}) == {float}", "{e} + 1 == Decimal({str!r}) + 1", "{e} > Decimal('-100')"],
    "Fraction": ["{e} == Fraction({v.numerator}, {v.denominator})", "float({e}) == {float}", "{e}.numerator == {v.numerator}", "abs({e} - {float}) < 1e-9"],
    "date": ["{e}.year == {v.year}", "{e}.isoformat() == {str!r}", "{e} == datetime.date({v.year}, {v.month}, {v.day})", "{e} > datetime.date(1999, 1, 1)", "({e} - datetime.date({v.year}, 1, 1)).days >= 0"],
    "Enum": ["{e}.name == {v.name!r}", "{e}.value == {v.value!r}", "{e} is Light.{v.name}", "{e} == Light.{v.name}"],
}
BY_KIND = {
    "number": NUMBER, "bool": BOOL, "text": TEXT, "list": SEQUENCE, "tuple": SEQUENCE, "range": SEQUENCE[:7] + ["{e}[0] == {first!r}"], "long": ["len({e}) == {len}", "{e}[-1] == {last!r}", "sum({e}) == {sum!r}"],
    "deque": [f for f in SEQUENCE if "+ {v!r}" not in f and "[:1]" not in f] + ["{e} == deque({list!r})"], "bytes": ["len({e}) == {len}", "{e}.decode() == {v!r}.decode()", "isinstance({e}, bytes)", "list({e}) == {list!r}"],
    "set": SET, "frozenset": SET, "dict": DICT, "Counter": DICT + ["{e} == Counter({dict!r})", "{e}['never'] == 0", "isinstance({e}, Counter)", "sum({e}.values()) == {sum_values!r}"],
    "OrderedDict": DICT + ["{e} == OrderedDict({items!r})", "list({e}.items()) == {items!r}"], "defaultdict": DICT[:10] + ["{e} == {dict!r}"],
    "generator": ITERATOR, "iterator": ITERATOR, "endless": ENDLESS, "view": VIEW, "none": ["{e} is None", "{e} == None", "not {e}", "[{e}] == [None]"], "raises": NUMBER[:8],
    **{kind: forms + OBJECT for kind, forms in ATTRIBUTES.items()},
}
PLAIN = {"number", "bool", "text", "list", "tuple", "set", "dict", "frozenset", "bytes", "none", "raises", "long", "range"}


class Facts(dict):
    """What a form may say of a value, worked out when it is asked for."""

    def __init__(self, value):
        super().__init__()
        self.value = value

    def __missing__(self, key):
        v = self.value
        as_list = lambda: list(v)
        made = {
            "v": lambda: v, "int": lambda: int(v), "float": lambda: repr(float(v)), "round": lambda: repr(round(v, 2)), "below": lambda: repr(v - 1),
            "above": lambda: repr(v + 1), "neg": lambda: -v, "floor": lambda: repr(divmod(v, 1)[0]), "str": lambda: str(v), "repr": lambda: repr(v),
            "type": lambda: type(v).__name__, "type_name": lambda: type(v).__name__, "not_": lambda: "" if v else "not ", "other": lambda: not v, "len": lambda: len(as_list()),
            "lower": lambda: v.lower(), "start": lambda: v[:1], "two": lambda: v[:2] if isinstance(v, str) else as_list()[:2], "three": lambda: [v[0], v[0] + 1, v[0] + 2],
            "list": as_list, "set": lambda: set(v), "count_a": lambda: v.count("a"), "sorted": lambda: sorted(v), "reversed": lambda: "".join(reversed(v)) if isinstance(v, str) else list(reversed(as_list())),
            "split": lambda: v.split(), "enumerated": lambda: dict(enumerate(v)), "max_str": lambda: max(as_list() + [0], key=str), "zipped": lambda: list(zip(v, range(9))), "truth": lambda: bool(v),
            "sorted_str": lambda: sorted(v, key=str), "items_str": lambda: sorted(v.items(), key=str), "values": lambda: list(v.values()), "dict": lambda: dict(v), "dict_str": lambda: str(dict(v)),
            "first": lambda: as_list()[0], "last": lambda: v[-1], "sum": lambda: sum(v), "max": lambda: max(v), "zip_ab": lambda: list(zip(v, "ab")), "items": lambda: list(v.items()), "sum_values": lambda: sum(v.values()),
        }
        return made[key]()
