"""Splits asserts into calls (for the sandbox) and comparisons (made outside). Runs in a trusted interpreter that never
runs a solution: it sees a data set's asserts and plain values that came back from the sandbox.

`boot()` (with wire.py, stage.py, reader.py and sources.py in front) gives `step(request: str) -> str`, both JSON. Requests:
  plan      {setup, helpers, asserts}: for each test the plans of its asserts, see `Plan` in src/sandbox/trusted.ts;
            `helpers` is code of the data set that tests call and that only runs here
  residual  {setup, context, rest, holes}: the rest of an assert with the calls' values filled in
  parsable  {text}: the longest span of whole lines that parses as Python and holds some code
  sanitize  {text, entryPoint}: what EvalPlus keeps of a completion
"""


def boot():
    import ast
    import builtins
    import copy
    import importlib
    import json

    # Pure functions of plain values: applied out here, to decoded values. Everything that is called under another name is the program's.
    pure = set(
        "abs all any ascii bin bool bytes chr complex dict divmod enumerate filter float format frozenset hex int isinstance"
        " issubclass iter len list map max min next oct ord pow range repr reversed round set slice sorted str sum tuple"
        " type zip True False None Ellipsis bytearray callable getattr hasattr object NotImplemented"
        " Exception ValueError TypeError KeyError IndexError ZeroDivisionError StopIteration RuntimeError".split()
    )
    modules = set(
        "math cmath sys itertools functools operator collections re string datetime heapq bisect decimal fractions"
        " statistics json copy numbers typing types enum dataclasses textwrap".split()
    )
    # Functions whose answer is a verdict rather than a value: never asked beside the program.
    decides = set(
        "all any isinstance issubclass callable hasattr isclose eq ne lt le gt ge is_ is_not contains compare match"
        " fullmatch search".split()
    )
    max_nodes = 2_000_000
    max_text = 100_000_000
    encode_value, decode, Unsupported = make_wire()

    class CannotSplit(Exception):
        pass

    class HoleFailed(Exception):
        pass

    def encode(value):
        try:
            return json.loads(encode_value(value, max_nodes, max_text))
        except Unsupported as refusal:
            if refusal.args[1] == "not a plain value":
                raise CannotSplit("a value of type %s is not plain data" % refusal.args[0])
            raise CannotSplit("the expected value is too large")

    Stage, environment, space_of, compares = make_stage(
        pure, modules, lambda name: name.split(".")[0] in modules | {"random"}, encode, CannotSplit
    )

    def is_level(node):
        return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "__level"

    def level_of(node):
        return node.args[0].value, node.args[1].value

    class Levels(ast.NodeTransformer):
        """Puts something in the place of each hole's chosen level; the levels above stay the expressions they are."""

        def __init__(self, chosen, put):
            self.chosen = chosen
            self.put = put

        def visit_Call(self, call):
            if not is_level(call):
                return self.generic_visit(call)
            hole, level = level_of(call)
            return self.put(hole) if level <= self.chosen(hole) else self.visit(call.args[2])

    class Splitter:
        """Cuts an assert's expression into parts that only the program can make, the holes, and the rest.

        A hole has levels: `f(x)`, and the expressions around it that may have to be evaluated beside the program,
        because its value is an iterator, an object of a class of its own, or too large (`next(_h)`, `len(_h)`). The
        guest stops at the first level whose value crosses; the rest of the levels is evaluated out here.
        """

        def __init__(self, stage):
            self.stage = stage
            self.holes = []
            self.bound = []

        def is_bound(self, name):
            return any(name in scope for scope in self.bound)

        def outside(self, name):
            return self.is_bound(name) or self.stage.outside(name)

        def hole(self, node):
            """Cuts out a part that only the program can evaluate."""
            if any(isinstance(n, ast.Name) and self.is_bound(n.id) for n in ast.walk(node)):
                raise CannotSplit("a call uses a variable of a comprehension")
            if any(isinstance(n, (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)) for n in ast.walk(node)):
                raise CannotSplit("it assigns or awaits")
            self.holes.append([node])
            return self.level(len(self.holes) - 1, node)

        def level(self, hole, inner):
            number = len(self.holes[hole]) - 1
            return ast.Call(ast.Name("__level", ast.Load()), [ast.Constant(hole), ast.Constant(number), inner], [])

        def root(self, node):
            while isinstance(node, ast.Attribute):
                node = node.value
            return node.id if isinstance(node, ast.Name) else None

        def visit(self, node):
            if isinstance(node, ast.Constant):
                return node
            if isinstance(node, ast.Name):
                return node if self.outside(node.id) else self.hole(node)
            if isinstance(node, ast.Call):
                return self.call(node)
            if isinstance(node, (ast.Attribute, ast.Subscript)):
                if self.is_variable(node.value) and isinstance(node, ast.Attribute):
                    return self.hole(node)
                return self.carried(node, self.children(node))
            if isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)):
                return self.comprehension(node)
            if isinstance(node, ast.Lambda):
                arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                self.bound.append({a.arg for a in arguments})
                body = self.visit(node.body)
                self.bound.pop()
                return ast.Lambda(node.args, body)
            if isinstance(node, (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)):
                raise CannotSplit("it assigns or awaits")
            if isinstance(node, ast.Compare):
                self.no_identity(node)
            made = self.children(node)
            carries = (ast.UnaryOp, ast.JoinedStr, ast.Starred, ast.List, ast.Tuple, ast.Set)
            return self.carried(node, made) if isinstance(node, carries) and not self.is_not(node) else made

        def is_not(self, node):
            return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)

        def is_variable(self, node):
            """A guest's object under a name of the test's: what is asked of it can change it."""
            return isinstance(node, ast.Name) and not self.outside(node.id)

        def no_identity(self, node):
            """`is` between objects can only be asked where they are; between types and singletons it can be here."""
            left = node.left
            for op, right in zip(node.ops, node.comparators):
                single = lambda n: isinstance(n, ast.Constant) and (n.value is None or n.value is Ellipsis or isinstance(n.value, bool))
                kind = lambda n: isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == "type"
                if isinstance(op, (ast.Is, ast.IsNot)) and not (single(left) or single(right) or kind(left) or kind(right)):
                    raise CannotSplit("it asks whether two objects are one")
                left = right

        def children(self, node):
            fields = {}
            for field, value in ast.iter_fields(node):
                if isinstance(value, list):
                    fields[field] = [self.visit(v) if isinstance(v, ast.expr) else v for v in value]
                elif isinstance(value, ast.expr):
                    fields[field] = self.visit(value)
                else:
                    fields[field] = value
            return type(node)(**fields)

        def carried(self, node, made):
            """Adds the expression to the levels of the one hole that it stands around, where there is one."""
            inner = [
                n.value if isinstance(n, (ast.Starred, ast.keyword, ast.FormattedValue)) else n
                for n in ast.iter_child_nodes(made)
            ]
            if isinstance(made, ast.Call) and isinstance(made.func, ast.Attribute):
                inner.append(made.func.value)
            if isinstance(made, (ast.ListComp, ast.SetComp, ast.GeneratorExp)):
                inner = [made.generators[0].iter]
            levels = [n for n in inner if is_level(n)]
            inside = [n for n in ast.walk(made) if is_level(n)]
            holes = {level_of(n)[0] for n in inside}
            if len(levels) != 1 or len(holes) != 1 or self.bound:
                return made
            hole, number = level_of(levels[0])
            if number != len(self.holes[hole]) - 1 or sum(n is levels[0] for n in inner) != 1:
                return made
            marker = levels[0]

            class Cut(ast.NodeTransformer):
                def visit(self, n):
                    return ast.Name("_h", ast.Load()) if n is marker else self.generic_visit(n)

            whole = Cut().visit(made)
            self.holes[hole].append(copy.deepcopy(whole))

            class Back(ast.NodeTransformer):
                def visit(self, n):
                    return marker if isinstance(n, ast.Name) and n.id == "_h" else self.generic_visit(n)

            return self.level(hole, Back().visit(whole))

        def arguments(self, node, func):
            args = [self.visit(a) for a in node.args]
            keywords = [ast.keyword(k.arg, self.visit(k.value)) for k in node.keywords]
            return ast.Call(func, args, keywords)

        def is_function(self, node):
            """The program's function or class under its name, which an expression out here cannot call."""
            return isinstance(node, ast.Name) and not (self.outside(node.id) or self.stage.has(node.id))

        def call(self, node):
            func = node.func
            given = [*node.args, *[k.value for k in node.keywords]]
            if isinstance(func, ast.Name):
                if not self.outside(func.id):
                    return self.hole(node)
                if func.id not in decides and any(self.is_function(a) for a in given):
                    return self.hole(node)
                made = self.arguments(node, func)
                return made if func.id in decides or self.compares(func.id) else self.carried(node, made)
            if isinstance(func, ast.Attribute):
                root = self.root(func)
                if root is not None and self.outside(root):
                    if func.attr not in decides and any(self.is_function(a) for a in given):
                        return self.hole(node)
                    made = self.arguments(node, func)
                    return made if func.attr in decides else self.carried(node, made)
                owner = func.value
                named = isinstance(owner, ast.Call) and isinstance(owner.func, ast.Name) and owner.func.id[:1].isupper()
                if root is not None or named or any(self.stage.touches(a) for a in given):
                    return self.hole(node)
                base = self.visit(owner)
                return self.carried(node, self.arguments(node, ast.Attribute(base, func.attr, func.ctx)))
            return self.hole(node)

        def compares(self, name):
            """Whether a helper of the test's compares by itself: its answer is a verdict, which is given out here."""
            node = self.stage.origin.get(name)
            return node is not None and compares(node)

        def comprehension(self, node):
            mark = len(self.holes)
            depth = len(self.bound)
            try:
                self.bound.append(set())
                generators = []
                for g in node.generators:
                    source = self.visit(g.iter)
                    self.bound[-1] |= {n.id for n in ast.walk(g.target) if isinstance(n, ast.Name)}
                    generators.append(ast.comprehension(g.target, source, [self.visit(i) for i in g.ifs], g.is_async))
                if isinstance(node, ast.DictComp):
                    made = ast.DictComp(self.visit(node.key), self.visit(node.value), generators)
                else:
                    made = type(node)(self.visit(node.elt), generators)
                self.bound.pop()
                return made if compares(node) or isinstance(node, ast.DictComp) else self.carried(node, made)
            except CannotSplit:
                del self.bound[depth:]
                if compares(node):
                    raise
                del self.holes[mark:]
                return self.hole(node)

    def forced(node):
        """`assert sum(10, 15) == 6`: the program has taken a builtin's name, so its call is the hole."""
        if isinstance(node, ast.Compare) and isinstance(node.left, ast.Call):
            return node.left
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not) and isinstance(node.operand, ast.Call):
            return node.operand
        return node if isinstance(node, ast.Call) else None

    def of_program(call):
        """The call of a function that has a builtin's name, by the program's own."""
        if not isinstance(call.func, ast.Name):
            raise CannotSplit("it does not call the program")
        func = ast.Subscript(ast.Name("_solution", ast.Load()), ast.Constant(call.func.id), ast.Load())
        return ast.Call(func, call.args, call.keywords)

    def evaluate(node, names, holes):
        # `setup` may import nothing and still say sys.getsizeof: modules are there under their own names.
        space = {"__builtins__": {n: getattr(builtins, n) for n in pure if hasattr(builtins, n)}, **names}
        for n in ast.walk(node):
            if isinstance(n, ast.Name) and n.id in modules and n.id not in space:
                space[n.id] = importlib.import_module(n.id)
        space["__hole"] = holes
        space["_made"] = decode
        expression = ast.fix_missing_locations(ast.Expression(node))
        return eval(compile(expression, "<assert>", "eval"), space)

    operators = {ast.Eq: "==", ast.NotEq: "!=", ast.Is: "is", ast.IsNot: "is not"}

    def text(node):
        return ast.unparse(ast.fix_missing_locations(node))

    def shown(node):
        """The test with `\u2026` where the program's values go."""
        blank = Levels(lambda hole: 0, lambda hole: ast.Name("\u2026", ast.Load()))
        return text(blank.visit(copy.deepcopy(node)))

    def split(test, stage):
        """The plan of one assert; where it cannot be split, the statement that runs beside the program."""
        source = "assert " + text(stage.for_people(test))
        try:
            return {**parts(test, stage), "source": source}
        except CannotSplit as why:
            # With the test's own objects: what is one object in the test is one object there.
            run = text(ast.Assert(stage.for_guest(test)))
            return {"kind": "statement", "why": str(why), "run": run, "source": source}

    def parts(test, stage):
        for _ in range(8):
            splitter = Splitter(stage)
            rest = splitter.visit(test)
            if not splitter.holes:
                splitter, rest = by_force(test, stage)
            had = len(stage.escaped)
            levels = [[text(stage.for_guest(e)) for e in hole] for hole in splitter.holes]
            if len(stage.escaped) == had:
                break
            # What the program is handed is the guest's from now on, in this assert too.
        calls = [n for hole in splitter.holes for e in hole for n in ast.walk(e) if isinstance(n, ast.Call)]
        bare = [h[0] for h in splitter.holes if isinstance(h[0], ast.Name)]
        mine = [h for h in bare if stage.has(h.id)]
        if not calls and not mine:
            raise CannotSplit("it does not call the program")
        if len(mine) < len(bare):
            raise CannotSplit("it compares with a variable that the program can change")
        negate = isinstance(rest, ast.UnaryOp) and isinstance(rest.op, ast.Not)
        root = rest.operand if negate else rest
        if is_level(root) and len(levels) == 1:
            tested = [n.func.id for n in ast.walk(splitter.holes[0][0]) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]
            if any(n in stage.functions and compares(stage.functions[n]) for n in tested):
                raise CannotSplit("a helper of the test decides beside the program")
            if len(levels[0]) == 1:
                return {"kind": "truth", "call": levels[0][0], "negate": negate}
        if isinstance(rest, ast.Compare) and len(rest.ops) == 1 and len(levels) == 1 and len(levels[0]) == 1:
            left, right = rest.left, rest.comparators[0]
            other = right if is_level(left) else left if is_level(right) else None
            operator = operators.get(type(rest.ops[0]))
            if other is not None and operator and not any(is_level(n) for n in ast.walk(other)):
                singleton = isinstance(other, ast.Constant) and (other.value is None or isinstance(other.value, bool))
                if operator in ("==", "!=") or singleton:
                    expected = stage.value(other)
                    try:
                        return {"kind": "compare", "call": levels[0][0], "operator": operator, "expected": encode(expected)}
                    except CannotSplit as why:
                        if "too large" in str(why):
                            raise
        plan = {
            "kind": "residual",
            "holes": levels,
            "rest": text(stage.for_outside(rest)),
            "shown": shown(stage.for_people(rest)),
            "context": stage.helpers(),
        }
        if is_level(root):
            plan["truth"] = "not" if negate else "yes"
        if len(levels) > 1:
            plan["inside"] = text(ast.Assert(stage.for_guest(test, True)))
        return plan

    def by_force(test, stage):
        target = forced(test)
        if target is None:
            raise CannotSplit("it does not call the program")
        splitter = Splitter(stage)
        cut = splitter.hole(of_program(target))
        if target is test:
            return splitter, cut
        if isinstance(test, ast.UnaryOp):
            return splitter, ast.UnaryOp(test.op, cut)
        return splitter, ast.Compare(cut, test.ops, test.comparators)

    def plan_of(source, setup, helpers):
        """The plans of the single asserts that a test comes down to."""
        try:
            return Stage(setup, helpers, split).run(source)
        except CannotSplit as why:
            reason = str(why)
        except RecursionError:
            reason = "it is nested too deeply"
        return [{"kind": "statement", "why": reason, "run": source, "source": source}]

    def plan(request):
        return {"plans": [plan_of(source, request["setup"], request["helpers"]) for source in request["asserts"]]}

    def residual(request):
        names, _ = environment(request["setup"])
        if request["context"]:
            names.update(space_of(request["context"]))
        holes = request["holes"]
        chosen = request.get("levels") or [0] * len(holes)
        values = {}

        def hole(index):
            if holes[index] is None:
                raise HoleFailed(index)
            if index not in values:
                values[index] = decode(holes[index])
            return values[index]

        node = ast.parse(request["rest"], mode="eval").body
        put = lambda i: ast.Call(ast.Name("__hole", ast.Load()), [ast.Constant(i)], [])
        node = Levels(lambda i: chosen[i], put).visit(node)
        try:
            result = {"ok": bool(evaluate(node, names, hole))}
        except HoleFailed as failed:
            return {"ok": False, "failed": failed.args[0]}
        except Exception as error:
            return {"ok": False, "error": {"type": type(error).__name__, "message": str(error)[:300], "lines": []}}
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], (ast.Eq, ast.NotEq)):
            values.clear()
            try:
                result["left"] = encode(evaluate(node.left, names, hole))
                result["right"] = encode(evaluate(node.comparators[0], names, hole))
            except Exception:
                result.pop("left", None)
        return result

    parsable, sanitize = make_sources()
    actions = {"plan": plan, "residual": residual, "parsable": parsable, "sanitize": sanitize}

    def step(text):
        request = json.loads(text)
        try:
            return json.dumps(actions[request["type"]](request))
        except Exception as error:
            return json.dumps({"failure": "%s: %s" % (type(error).__name__, error)})

    return step
