"""Turns a test that is more than one assert (HumanEval's `check`, loops over cases, `all(… for …)`) into single asserts.

It runs the test's own statements, here in the trusted interpreter, as far as they do not touch the program: loops over
values it knows, assignments, imports, helper functions. Each assert it comes by is written down with the known
variables put in as literals and with the program's results put in as the calls that make them.
"""


def make_unroll(pure, importable, is_plain, cannot):
    import ast
    import builtins
    import copy
    import importlib
    import random

    MAX_ASSERTS = 5_000
    MAX_STEPS = 20_000

    class Leave(Exception):
        """`break`, `continue` or `return` on its way out."""

    def parse(source, mode="exec"):
        try:
            return ast.parse(source.strip(), mode=mode)
        except (SyntaxError, ValueError) as error:
            raise cannot("it is not Python: %s" % error)

    def is_stub(node):
        """A function that only has its docstring and imports (HumanEval/115): what the program is to define."""
        return all(
            isinstance(s, (ast.Pass, ast.Import, ast.ImportFrom)) or (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
            for s in node.body
        )

    def definitions(helpers):
        """Imports and whole functions of a data set's code, as text."""
        kept = []
        for node in parse(helpers).body:
            if isinstance(node, (ast.Import, ast.ImportFrom)) and all(importable(m) for m in modules_of(node)):
                kept.append(node)
            elif isinstance(node, ast.FunctionDef) and not is_stub(node):
                kept.append(node)
        return kept

    def modules_of(node):
        return [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]

    def space_of(context):
        """The names that trusted code defines."""
        random.seed(0)
        space = {}
        exec(compile(context, "<tests>", "exec"), space)
        del space["__builtins__"]
        return space

    class Unroller:
        def __init__(self, helpers):
            self.context = definitions(helpers) if helpers else []
            self.known = space_of(ast.unparse(ast.Module(self.context, [])))
            self.results = {}  # variables that hold what the program returned, as expressions
            self.functions = {}  # functions of the test that touch the program, to be written out where they are called
            self.asserts = []
            self.steps = 0

        # What an expression touches.

        def bound_in(self, node):
            names = set()
            for n in ast.walk(node):
                if isinstance(n, ast.comprehension):
                    names |= {t.id for t in ast.walk(n.target) if isinstance(t, ast.Name)}
                elif isinstance(n, ast.Lambda):
                    names |= {a.arg for a in [*n.args.posonlyargs, *n.args.args, *n.args.kwonlyargs]}
            return names

        def touches_program(self, node):
            bound = self.bound_in(node)
            return any(
                isinstance(n, ast.Name)
                and n.id not in bound
                and (n.id in self.results or (n.id not in self.known and n.id not in pure and n.id != "print"))
                for n in ast.walk(node)
            )

        def value(self, node):
            if self.touches_program(node):
                raise cannot("its control flow depends on the program")
            expression = ast.fix_missing_locations(ast.Expression(copy.deepcopy(node)))
            space = {"__builtins__": {n: getattr(builtins, n) for n in pure if hasattr(builtins, n)}, **self.known}
            try:
                return eval(compile(expression, "<tests>", "eval"), space)
            except Exception as error:
                raise cannot("its own code raises %s" % type(error).__name__)

        def put_in(self, node):
            """The expression with known variables as literals and results as calls."""
            unroller = self
            bound = self.bound_in(node)

            class Put(ast.NodeTransformer):
                def visit(self, n):
                    if isinstance(n, ast.expr) and not isinstance(n, (ast.Constant, ast.Starred)):
                        names = [m.id for m in ast.walk(n) if isinstance(m, ast.Name)]
                        mine = any(m in unroller.known for m in names)
                        if mine and not any(m in bound for m in names) and not unroller.touches_program(n):
                            value = unroller.value(n)
                            if is_plain(value):
                                return parse(literal(value), "eval").body
                    if isinstance(n, ast.Name) and n.id in unroller.results:
                        return copy.deepcopy(unroller.results[n.id])
                    return self.generic_visit(n)

            return Put().visit(copy.deepcopy(node))

        # Statements.

        def block(self, body):
            for node in body:
                self.statement(node)

        def statement(self, node):
            self.steps += 1
            if self.steps > MAX_STEPS:
                raise cannot("its loops take more than %d steps" % MAX_STEPS)
            kind = type(node).__name__
            action = getattr(self, "on_" + kind, None)
            if action is None:
                raise cannot("it has a %s statement" % kind.lower())
            action(node)

        def on_Pass(self, node):
            pass

        def on_Import(self, node):
            if not all(importable(name) for name in modules_of(node)):
                raise cannot("it imports %s" % ", ".join(modules_of(node)))
            # Again in the middle of a test: the same module, whose random numbers go on.
            before = random.getstate()
            self.context.append(node)
            self.known.update(space_of(ast.unparse(node)))
            random.setstate(before)

        on_ImportFrom = on_Import

        def on_FunctionDef(self, node):
            inner = ast.Module(node.body, [])
            parameters = {a.arg for a in node.args.args}
            own = parameters | {n.id for n in ast.walk(inner) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
            free = {n.id for n in ast.walk(inner) if isinstance(n, ast.Name)} - own - {node.name}
            has_asserts = any(isinstance(n, ast.Assert) for n in ast.walk(node))
            if has_asserts or any(n not in pure and n not in self.known for n in free):
                self.functions[node.name] = node
            else:
                self.context.append(node)
                space = dict(self.known)
                exec(compile(ast.unparse(node), "<tests>", "exec"), space)
                self.known[node.name] = space[node.name]

        def on_Assign(self, node):
            for target in node.targets:
                self.assign(target, node.value)

        def on_AnnAssign(self, node):
            if node.value is not None:
                self.assign(node.target, node.value)

        def on_AugAssign(self, node):
            self.assign(node.target, ast.BinOp(self.loaded(node.target), node.op, node.value))

        def loaded(self, target):
            node = copy.deepcopy(target)
            node.ctx = ast.Load()
            return node

        def assign(self, target, value):
            if self.touches_program(value):
                if not isinstance(target, ast.Name):
                    raise cannot("it takes a result of the program apart")
                self.results[target.id] = self.put_in(value)
                self.known.pop(target.id, None)
            else:
                self.bind(target, self.value(value))

        def bind(self, target, value):
            if isinstance(target, ast.Name):
                self.known[target.id] = value
                self.results.pop(target.id, None)
                return
            if isinstance(target, (ast.Tuple, ast.List)) and not any(isinstance(t, ast.Starred) for t in target.elts):
                values = list(value)
                if len(values) == len(target.elts):
                    for t, v in zip(target.elts, values):
                        self.bind(t, v)
                    return
            if isinstance(target, ast.Subscript):
                self.value(target.value)[self.value(target.slice)] = value
                return
            raise cannot("it assigns to more than names")

        def on_Expr(self, node):
            call = node.value
            if not isinstance(call, ast.Call):
                return
            name = call.func.id if isinstance(call.func, ast.Name) else None
            if name in self.functions:
                self.inline(self.functions[name], call)
            elif name != "print":
                self.value(call)

        def inline(self, function, call):
            if call.keywords or len(call.args) != len(function.args.args):
                raise cannot("it calls its own function in another form")
            before = dict(self.known), dict(self.results)
            for parameter, argument in zip(function.args.args, call.args):
                if self.touches_program(argument):
                    self.results[parameter.arg] = self.put_in(argument)
                    self.known.pop(parameter.arg, None)
                else:
                    self.bind(ast.Name(parameter.arg), self.value(argument))
            try:
                self.block(function.body)
            except Leave as leave:
                if leave.args[0] != "return":
                    raise
            self.known, self.results = before

        def on_If(self, node):
            self.block(node.body if self.value(node.test) else node.orelse)

        def on_For(self, node):
            self.loop(node, self.value(node.iter))

        def on_While(self, node):
            def turns():
                while self.value(node.test):
                    self.steps += 1
                    yield None

            self.loop(node, turns())

        def loop(self, node, items):
            for item in items:
                if isinstance(node, ast.For):
                    self.bind(node.target, item)
                try:
                    self.block(node.body)
                except Leave as leave:
                    if leave.args[0] == "return":
                        raise
                    if leave.args[0] == "break":
                        return
            self.block(node.orelse)

        def on_Break(self, node):
            raise Leave("break")

        def on_Continue(self, node):
            raise Leave("continue")

        def on_Return(self, node):
            raise Leave("return")

        def on_Assert(self, node):
            test = node.test
            if not self.touches_program(test):
                if self.value(test):
                    return
                raise cannot("it fails whatever the program does")
            inner = test.args[0] if isinstance(test, ast.Call) and len(test.args) == 1 and not test.keywords else None
            is_all = inner is not None and isinstance(test.func, ast.Name) and test.func.id == "all"
            if is_all and isinstance(inner, (ast.GeneratorExp, ast.ListComp)) and self.touches_inside(inner):
                self.each(inner.generators, inner.elt)
                return
            self.asserts.append("assert " + ast.unparse(self.put_in(test)))
            if len(self.asserts) > MAX_ASSERTS:
                raise cannot("it makes more than %d asserts" % MAX_ASSERTS)

        def touches_inside(self, comprehension):
            """Whether the items can be gone through out here, one assert for each."""
            return not any(self.touches_program(g.iter) for g in comprehension.generators)

        def each(self, generators, element):
            if not generators:
                self.on_Assert(ast.Assert(element))
                return
            first, *rest = generators
            before = dict(self.known), dict(self.results)
            for item in self.value(first.iter):
                self.bind(first.target, item)
                if all(self.value(test) for test in first.ifs):
                    self.each(rest, element)
            self.known, self.results = before

    def literal(x):
        """`repr` that evaluates to the same value: infinities and NaN have no literal of their own."""
        kind = type(x)
        if kind is float and x - x != 0:
            return "float('%r')" % x
        if kind is list:
            return "[%s]" % ", ".join(map(literal, x))
        if kind is tuple:
            return "(%s)" % "".join(literal(i) + ", " for i in x)
        if kind is dict:
            return "{%s}" % ", ".join(literal(k) + ": " + literal(v) for k, v in x.items())
        return repr(x)

    def unroll(source, helpers):
        """Sources of single asserts, and the code of the helpers they call."""
        random.seed(0)
        unroller = Unroller(helpers)
        unroller.block(parse(source).body)
        if not unroller.asserts:
            raise cannot("it makes no assert")
        return unroller.asserts, ast.unparse(ast.Module(unroller.context, []))

    return unroll, space_of
