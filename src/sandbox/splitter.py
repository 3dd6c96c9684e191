"""Splits asserts into calls (for the sandbox) and comparisons (made outside). Runs in a trusted interpreter that never
runs a solution: it sees a data set's asserts and plain values that came back from the sandbox.

`boot()` (with decode.py, unroll.py, reader.py and sources.py in front) gives `step(request: str) -> str`, both JSON. Requests:
  plan      {setup, helpers, asserts}: for each test the plans of its asserts, see `Plan` in src/sandbox/trusted.ts;
            `helpers` is code of the data set that tests call and that only runs here
  residual  {setup, context, rest, holes}: the rest of an assert with the calls' values filled in
  parsable  {text}: the longest span of whole lines that parses as Python and holds some code
  sanitize  {text, entryPoint}: what EvalPlus keeps of a completion
"""


def boot():
    import ast
    import builtins
    import importlib
    import json

    # Pure functions of plain values: applied out here, to decoded values. Everything that is called under another name is the program's.
    pure = set(
        "abs all any ascii bin bool bytes chr complex dict divmod enumerate filter float format frozenset hex int isinstance"
        " issubclass iter len list map max min next oct ord pow range repr reversed round set slice sorted str sum tuple"
        " type zip True False None Ellipsis".split()
    )
    modules = set(
        "math cmath sys itertools functools operator collections re string datetime heapq bisect decimal fractions"
        " statistics json copy numbers typing".split()
    )
    max_nodes = 2_000_000
    decode = make_decode()

    class CannotSplit(Exception):
        pass

    class HoleFailed(Exception):
        pass

    def encode(value):
        count = 0

        def walk(x, depth):
            nonlocal count
            count += 1
            if count > max_nodes or depth > 60:
                raise CannotSplit("the expected value is too large")
            kind = type(x)
            if x is None:
                return ["n"]
            if kind is bool:
                return ["b", int(x)]
            if kind is int:
                return ["i", hex(x)]
            if kind is float:
                return ["f", repr(x)]
            if kind is str:
                return ["s", x]
            if kind is complex:
                return ["c", repr(x.real), repr(x.imag)]
            if kind is bytes:
                return ["y", x.hex()]
            if kind is bytearray:
                return ["Y", x.hex()]
            if kind is range:
                return ["r", hex(x.start), hex(x.stop), hex(x.step)]
            if x is Ellipsis:
                return ["e"]
            tag = {list: "l", tuple: "t", set: "S", frozenset: "F"}.get(kind)
            if tag:
                return [tag, [walk(i, depth + 1) for i in x]]
            if isinstance(x, dict):
                return ["d", [[walk(k, depth + 1), walk(v, depth + 1)] for k, v in x.items()]]
            raise CannotSplit("a value of type %s is not plain data" % kind.__name__)

        return walk(value, 0), count

    def environment(setup):
        """Names the setup imports from whitelisted modules, the modules themselves, and the names of its own functions."""
        names = {"__builtins__": {name: getattr(builtins, name) for name in pure if hasattr(builtins, name)}}
        helpers = set()
        try:
            tree = ast.parse(setup)
        except (SyntaxError, ValueError, RecursionError):
            return names, helpers
        for node in tree.body:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    root = alias.name.split(".")[0]
                    if root in modules:
                        names[alias.asname or root] = importlib.import_module(alias.name if alias.asname else root)
            elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in modules:
                module = importlib.import_module(node.module)
                for alias in node.names:
                    if alias.name == "*":
                        names.update({n: getattr(module, n) for n in dir(module) if not n.startswith("_")})
                    elif hasattr(module, alias.name):
                        names[alias.asname or alias.name] = getattr(module, alias.name)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                helpers.add(node.name)
        return names, helpers

    class Splitter:
        def __init__(self, names, helpers):
            self.names = names
            self.helpers = helpers
            self.holes = []
            self.bound = []

        def known(self, name):
            return name in pure or name in self.names or name in modules

        def is_bound(self, name):
            return any(name in scope for scope in self.bound)

        def hole(self, node):
            """Cuts out a part that only the program can evaluate."""
            inside = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
            if any(self.is_bound(n.id) for n in inside):
                raise CannotSplit("a call uses a variable of a comprehension")
            if any(n.id in self.helpers for n in inside if isinstance(n.ctx, ast.Load)):
                raise CannotSplit("it calls a helper of the test setup")
            if any(isinstance(n, (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)) for n in ast.walk(node)):
                raise CannotSplit("it assigns or awaits")
            self.holes.append(node)
            call = ast.Call(ast.Name("__hole", ast.Load()), [ast.Constant(len(self.holes) - 1)], [])
            return ast.copy_location(call, node)

        def is_hole(self, node):
            return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "__hole"

        def root(self, node):
            while isinstance(node, ast.Attribute):
                node = node.value
            return node.id if isinstance(node, ast.Name) else None

        def visit(self, node):
            if isinstance(node, ast.Constant):
                return node
            if isinstance(node, ast.Name):
                return node if self.is_bound(node.id) or self.known(node.id) else self.hole(node)
            if isinstance(node, ast.Call):
                return self.call(node)
            if isinstance(node, (ast.Attribute, ast.Subscript)):
                if self.root(node) is not None and self.outside_name(self.root(node)):
                    return self.children(node)
                mark = len(self.holes)
                base = self.visit(node.value)
                if self.is_hole(base):
                    del self.holes[mark:]
                    return self.hole(node)
                if isinstance(node, ast.Attribute):
                    return ast.copy_location(ast.Attribute(base, node.attr, node.ctx), node)
                return ast.copy_location(ast.Subscript(base, self.visit(node.slice), node.ctx), node)
            if isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)):
                return self.comprehension(node)
            if isinstance(node, ast.Lambda):
                arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                self.bound.append({a.arg for a in arguments})
                body = self.visit(node.body)
                self.bound.pop()
                return ast.copy_location(ast.Lambda(node.args, body), node)
            if isinstance(node, (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)):
                raise CannotSplit("it assigns or awaits")
            return self.children(node)

        def outside_name(self, name):
            return self.is_bound(name) or name in self.names or name in modules

        def children(self, node):
            fields = {}
            for field, value in ast.iter_fields(node):
                if isinstance(value, list):
                    fields[field] = [self.visit(v) if isinstance(v, ast.expr) else v for v in value]
                elif isinstance(value, ast.expr):
                    fields[field] = self.visit(value)
                else:
                    fields[field] = value
            return ast.copy_location(type(node)(**fields), node)

        def arguments(self, node, func):
            args = [self.visit(a) for a in node.args]
            keywords = [ast.keyword(k.arg, self.visit(k.value)) for k in node.keywords]
            return ast.copy_location(ast.Call(func, args, keywords), node)

        def call(self, node):
            func = node.func
            if isinstance(func, ast.Name):
                outside = func.id in pure or func.id in self.names or self.is_bound(func.id)
                return self.arguments(node, func) if outside else self.hole(node)
            if isinstance(func, ast.Attribute):
                root = self.root(func)
                if root is not None and self.outside_name(root):
                    return self.arguments(node, func)
                mark = len(self.holes)
                base = self.visit(func.value)
                if self.is_hole(base):
                    del self.holes[mark:]
                    return self.hole(node)
                return self.arguments(node, ast.copy_location(ast.Attribute(base, func.attr, func.ctx), func))
            return self.hole(node)

        def comprehension(self, node):
            self.bound.append(set())
            generators = []
            for g in node.generators:
                source = self.visit(g.iter)
                self.bound[-1] |= {n.id for n in ast.walk(g.target) if isinstance(n, ast.Name)}
                generators.append(ast.comprehension(g.target, source, [self.visit(i) for i in g.ifs], g.is_async))
            if isinstance(node, ast.DictComp):
                result = ast.DictComp(self.visit(node.key), self.visit(node.value), generators)
            else:
                result = type(node)(self.visit(node.elt), generators)
            self.bound.pop()
            return ast.copy_location(result, node)

    def forced(node):
        """`assert sum(10, 15) == 6`: the program has taken a builtin's name, so its call is the hole."""
        if isinstance(node, ast.Compare) and isinstance(node.left, ast.Call):
            return node.left
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not) and isinstance(node.operand, ast.Call):
            return node.operand
        return node if isinstance(node, ast.Call) else None

    def evaluate(node, names, holes):
        # `setup` may import nothing and still say sys.getsizeof: modules are there under their own names.
        space = dict(names)
        for n in ast.walk(node):
            if isinstance(n, ast.Name) and n.id in modules and n.id not in space:
                space[n.id] = importlib.import_module(n.id)
        space["__hole"] = holes
        expression = ast.fix_missing_locations(ast.Expression(node))
        return eval(compile(expression, "<assert>", "eval"), space)

    def no_holes(index):
        raise CannotSplit("the expected side calls the program")

    operators = {ast.Eq: "==", ast.NotEq: "!=", ast.Is: "is", ast.IsNot: "is not"}
    holes_in = lambda node: [n for n in ast.walk(node) if isinstance(n, ast.Name) and n.id == "__hole"]

    def shown(node):
        """The test with `…` where the program's values go."""

        class Rename(ast.NodeTransformer):
            def visit_Call(self, call):
                if isinstance(call.func, ast.Name) and call.func.id == "__hole":
                    return ast.Name("\u2026", ast.Load())
                return self.generic_visit(call)

        import copy

        return ast.unparse(Rename().visit(copy.deepcopy(node)))

    def split(source, names, helpers):
        try:
            tree = ast.parse(source.strip())
        except (SyntaxError, ValueError) as error:
            raise CannotSplit("it is not Python: %s" % error)
        if len(tree.body) != 1 or not isinstance(tree.body[0], ast.Assert):
            raise CannotSplit("it is not one assert")
        test = tree.body[0].test
        splitter = Splitter(names, helpers)
        rest = splitter.visit(test)
        if not splitter.holes:
            target = forced(test)
            if target is None:
                raise CannotSplit("it does not call the program")
            splitter = Splitter(names, helpers)
            cut = splitter.hole(target)
            if target is test:
                rest = cut
            elif isinstance(test, ast.UnaryOp):
                rest = ast.UnaryOp(test.op, cut)
            else:
                rest = ast.Compare(cut, test.ops, test.comparators)
        if not any(isinstance(n, ast.Call) for h in splitter.holes for n in ast.walk(h)):
            raise CannotSplit("it does not call the program")
        calls = [ast.unparse(h) for h in splitter.holes]
        if any(isinstance(h, ast.Name) for h in splitter.holes):
            raise CannotSplit("it compares with a variable that the program can change")
        if splitter.is_hole(rest):
            return {"kind": "truth", "call": calls[0], "negate": False}
        if isinstance(rest, ast.UnaryOp) and isinstance(rest.op, ast.Not) and splitter.is_hole(rest.operand):
            return {"kind": "truth", "call": calls[0], "negate": True}
        if isinstance(rest, ast.Compare) and len(rest.ops) == 1 and len(calls) == 1:
            left, right = rest.left, rest.comparators[0]
            other = right if splitter.is_hole(left) else left if splitter.is_hole(right) else None
            operator = operators.get(type(rest.ops[0]))
            if other is not None and operator and not holes_in(other):
                singleton = isinstance(other, ast.Constant) and (other.value is None or isinstance(other.value, bool))
                if operator in ("==", "!=") or singleton:
                    try:
                        expected, nodes = encode(evaluate(other, names, no_holes))
                    except CannotSplit:
                        raise
                    except Exception as error:
                        raise CannotSplit("its expected side raises %s" % type(error).__name__)
                    return {"kind": "compare", "call": calls[0], "operator": operator, "expected": expected, "nodes": nodes}
        return {
            "kind": "residual",
            "calls": calls,
            "rest": ast.unparse(rest),
            "shown": shown(rest),
        }

    def is_plain(value):
        try:
            encode(value)
            return True
        except CannotSplit:
            return False

    unroll, space_of = make_unroll(pure, lambda name: name.split(".")[0] in modules | {"random"}, is_plain, CannotSplit)

    def planned(source, names, helpers):
        try:
            return {**split(source, names, helpers), "source": source}
        except CannotSplit as why:
            return {"kind": "statement", "why": str(why), "source": source}
        except RecursionError:
            return {"kind": "statement", "why": "it is nested too deeply", "source": source}

    def unrolled(source, names, helpers, trusted):
        """Plans of the single asserts a test comes down to; None where it does not."""
        try:
            asserts, context = unroll(source, trusted)
            space = space_of(context)
        except (CannotSplit, RecursionError):
            return None
        plans = [planned(text, {**names, **space}, helpers | set(space)) for text in asserts]
        if all(p["kind"] == "statement" for p in plans):
            return None
        return [{**p, "context": context} if p["kind"] == "residual" else p for p in plans]

    def plan(request):
        names, helpers = environment(request["setup"])
        plans = []
        for source in request["asserts"]:
            whole = planned(source, names, helpers)
            parts = unrolled(source, names, helpers, request["helpers"]) if whole["kind"] == "statement" else None
            plans.append(parts or [whole])
        return {"plans": plans}

    def residual(request):
        names, _ = environment(request["setup"])
        if request["context"]:
            names.update(space_of(request["context"]))
        holes = request["holes"]

        def hole(index):
            if holes[index] is None:
                raise HoleFailed(index)
            return decode(holes[index])

        node = ast.parse(request["rest"], mode="eval").body
        try:
            result = {"ok": bool(evaluate(node, names, hole))}
        except HoleFailed as failed:
            return {"ok": False, "failed": failed.args[0]}
        except Exception as error:
            return {"ok": False, "error": {"type": type(error).__name__, "message": str(error)[:300], "lines": []}}
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], (ast.Eq, ast.NotEq)):
            try:
                result["left"] = encode(evaluate(node.left, names, hole))[0]
                result["right"] = encode(evaluate(node.comparators[0], names, hole))[0]
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
