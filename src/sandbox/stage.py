"""Runs a test's own statements, here in the trusted interpreter, as far as they do not touch the program.

Loops over values it knows, assignments, imports and helper functions are done out here. What touches the program
becomes code for the guest, in the test's order: `_v1 = f([3, 1])`. A list or another object that can change, once the
program has had it in its hands, is the guest's from then on (`_v2 = [3, 1]`), because nobody out here knows what became
of it. Each assert that the test comes by is handed to splitter.py together with the guest's code before it.
"""


def make_stage(pure, modules, importable, encode, cannot):
    import ast
    import builtins
    import copy
    import importlib
    import json
    import operator
    import random
    import types

    MAX_ASSERTS = 5_000
    MAX_STEPS = 20_000
    MAX_ITEMS = 1_000
    IMMUTABLE = (int, float, complex, str, bytes, bool, type(None), type(Ellipsis), range)
    CONTAINERS = (list, tuple, set, frozenset, dict)
    IN_PLACE = {
        ast.Add: operator.iadd, ast.Sub: operator.isub, ast.Mult: operator.imul, ast.Div: operator.itruediv,
        ast.FloorDiv: operator.ifloordiv, ast.Mod: operator.imod, ast.Pow: operator.ipow, ast.BitOr: operator.ior,
        ast.BitAnd: operator.iand, ast.BitXor: operator.ixor, ast.LShift: operator.ilshift, ast.RShift: operator.irshift,
        ast.MatMult: operator.imatmul,
    }

    class Leave(Exception):
        """`break`, `continue` or `return` on its way out."""

    def parse(source, mode="exec"):
        try:
            return ast.parse(source.strip(), mode=mode)
        except (SyntaxError, ValueError) as error:
            raise cannot("it is not Python: %s" % error)

    def name(identifier):
        return ast.Name(identifier, ast.Load())

    def text(node):
        return ast.unparse(ast.fix_missing_locations(node))

    def is_stub(node):
        """A function that only has its docstring and imports (HumanEval/115): what the program is to define."""
        return all(
            isinstance(s, (ast.Pass, ast.Import, ast.ImportFrom)) or (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
            for s in node.body
        )

    def modules_of(node):
        return [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]

    def is_import(node):
        return isinstance(node, (ast.Import, ast.ImportFrom))

    def bound_in(node):
        """Names that comprehensions and lambdas inside an expression bind."""
        names = set()
        for n in ast.walk(node):
            if isinstance(n, ast.comprehension):
                names |= {t.id for t in ast.walk(n.target) if isinstance(t, ast.Name)}
            elif isinstance(n, ast.Lambda):
                a = n.args
                names |= {x.arg for x in [*a.posonlyargs, *a.args, *a.kwonlyargs, a.vararg, a.kwarg] if x is not None}
        return names

    def free_names(node):
        """Names that a definition takes from where it stands."""
        own = {a.arg for n in ast.walk(node) if isinstance(n, ast.arguments) for a in [
            *n.posonlyargs, *n.args, *n.kwonlyargs, *([n.vararg] if n.vararg else []), *([n.kwarg] if n.kwarg else [])]}
        own |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
        own |= {n.name for n in ast.walk(node) if isinstance(n, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef))}
        own |= {n.name for n in ast.walk(node) if isinstance(n, ast.ExceptHandler) and n.name}
        own |= {(a.asname or a.name).split(".")[0] for n in ast.walk(node) if is_import(n) for a in n.names}
        return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)} - own

    def compares(node):
        return any(isinstance(n, (ast.Compare, ast.Assert)) for n in ast.walk(node))

    def returned(function):
        """The expression that a function of one `return` returns."""
        body = [s for s in function.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
        return body[0].value if len(body) == 1 and isinstance(body[0], ast.Return) and body[0].value is not None else None

    def parameters(function, call):
        """Parameters of one of the test's functions with the expressions that a call gives them."""
        a = function.args
        if a.vararg or a.kwarg or a.kwonlyargs or any(isinstance(x, ast.Starred) for x in call.args) or any(k.arg is None for k in call.keywords):
            raise cannot("it calls its own function in another form")
        names = [p.arg for p in [*a.posonlyargs, *a.args]]
        given = dict(zip(names[len(names) - len(a.defaults):], a.defaults))
        given.update(zip(names, call.args))
        given.update({k.arg: k.value for k in call.keywords})
        if len(call.args) > len(names) or set(given) != set(names):
            raise cannot("it calls its own function in another form")
        return given

    def space_of(context):
        """The names that trusted code defines."""
        random.seed(0)
        space = {}
        exec(compile(context, "<tests>", "exec"), space)
        del space["__builtins__"]
        return space

    def environment(setup):
        """What a data set's set-up defines that can be known without the program, and every name that it binds."""
        known, bound = {}, set()
        space = {"__builtins__": builtins.__dict__, "__name__": "setup"}
        try:
            body = ast.parse(setup).body
        except (SyntaxError, ValueError, RecursionError):
            return known, bound
        for node in body:
            if is_import(node) and not all(importable(m) for m in modules_of(node)):
                continue
            if not is_import(node):
                if any(n not in space and not hasattr(builtins, n) for n in free_names(node)):
                    bound |= names_bound(node)
                    continue
            before = set(space)
            try:
                exec(compile(ast.Module([node], []), "<setup>", "exec"), space)
            except BaseException:
                pass
            bound |= (set(space) - before) | names_bound(node)
        known = {n: v for n, v in space.items() if not n.startswith("__")}
        return known, bound

    def names_bound(node):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
            return {node.name}
        return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}

    class Stage:
        def __init__(self, setup, helpers, split):
            self.split = split
            self.context = []
            self.known, self.in_guest = environment(setup)
            if helpers:
                for node in parse(helpers).body:
                    if (is_import(node) and all(importable(m) for m in modules_of(node))) or (
                        isinstance(node, ast.FunctionDef) and not is_stub(node)
                    ):
                        self.context.append(node)
                space = space_of(text(ast.Module(list(self.context), [])))
                self.known.update(space)
                self.in_guest |= {n for n, v in space.items() if isinstance(v, types.FunctionType)}
                self.origin = {}
                for node in self.context:
                    self.note_origin(node)
            else:
                self.origin = {}
            self.guest = {}  # names that stand for something of the program's: expressions of the guest
            self.escaped = {}  # id of an object that the program has had: the object, and the guest's expression for it
            self.functions = {}  # functions of the test that touch the program
            self.defined = set()  # definitions of the test that the guest has
            self.pending = []  # the guest's statements before the next assert
            self.written = {}  # what a guest's variable holds, as the test wrote it
            self.memo = None  # values of an assert's expressions, which are asked for more than once
            self.elements = {}  # variables of comprehensions that are written out, one name an element
            self.plans = []
            self.count = 0
            self.steps = 0

        def note_origin(self, node):
            for n in ({(a.asname or a.name).split(".")[0] for a in node.names} if is_import(node) else names_bound(node)):
                self.origin[n] = node

        # What an expression touches.

        def outside(self, identifier):
            """Whether a name means the same out here, whatever the program did."""
            if identifier in self.guest or identifier in self.functions:
                return False
            if identifier in self.known:
                return not self.reaches(self.known[identifier])
            return identifier in pure or identifier in modules

        def has(self, identifier):
            """Whether a name is the test's, be it known or the guest's."""
            return identifier in self.known or identifier in self.guest

        def reaches(self, value):
            """Whether a value holds something that the program has had in its hands."""
            if not self.escaped:
                return False
            seen = set()
            todo = [value]
            while todo:
                x = todo.pop()
                if id(x) in self.escaped:
                    return True
                if isinstance(x, CONTAINERS) and id(x) not in seen:
                    seen.add(id(x))
                    todo.extend(x)
                    if isinstance(x, dict):
                        todo.extend(x.values())
            return False

        def touches(self, node):
            bound = bound_in(node)
            return any(
                isinstance(n, ast.Name) and n.id not in bound and n.id != "print" and not self.outside(n.id) for n in ast.walk(node)
            )

        def structural(self, node):
            """Whether an expression only takes apart what is known, so that what is inside need not be."""
            if not self.touches(node):
                return True
            if isinstance(node, ast.Name):
                return node.id in self.known and node.id not in self.guest and id(self.known[node.id]) not in self.escaped
            if isinstance(node, ast.Subscript):
                if not self.structural(node.value) or self.touches(node.slice):
                    return False
                return id(self.value(node.value)) not in self.escaped
            if isinstance(node, (ast.Tuple, ast.List)):
                return all(self.structural(e) and not isinstance(e, ast.Starred) for e in node.elts)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
                return node.func.id in ("enumerate", "zip", "reversed", "list", "tuple") and all(
                    self.structural(a) and id(self.value(a)) not in self.escaped for a in node.args
                )
            return False

        def value(self, node):
            if not self.structural(node):
                raise cannot("its control flow depends on the program")
            if self.memo is None:
                return self.evaluated(node)
            key = ast.dump(node)
            if key not in self.memo:
                self.memo[key] = self.evaluated(node)
            return self.memo[key]

        def evaluated(self, node):
            space = {"__builtins__": {n: getattr(builtins, n) for n in pure if hasattr(builtins, n)}, **self.known}
            for n in ast.walk(node):
                if isinstance(n, ast.Name) and n.id in modules and n.id not in space:
                    space[n.id] = importlib.import_module(n.id)
            expression = ast.fix_missing_locations(ast.Expression(copy.deepcopy(node)))
            try:
                return eval(compile(expression, "<tests>", "eval"), space)
            except Exception as error:
                raise cannot("its own code raises %s" % type(error).__name__)

        # Values as code.

        def code(self, x, aside=None):
            """An expression that makes a value anew. `aside(x)`: an expression for one that is kept as an object."""
            kept = aside(x) if aside and not isinstance(x, IMMUTABLE) else None
            if kept is not None:
                return kept
            kind = type(x)
            if kind is int and x.bit_length() > 10_000:
                return ast.Call(name("int"), [ast.Constant(hex(x)), ast.Constant(16)], [])
            if kind is float and x - x != 0:
                return ast.Call(name("float"), [ast.Constant(repr(x))], [])
            if kind in (int, float, complex, range):
                return parse(repr(x), "eval").body
            if x is None or kind in (str, bytes, bool) or x is Ellipsis:
                return ast.Constant(x)
            if kind is list:
                return ast.List([self.code(i, aside) for i in x], ast.Load())
            if kind is tuple:
                return ast.Tuple([self.code(i, aside) for i in x], ast.Load())
            if kind is set and x:
                return ast.Set([self.code(i, aside) for i in x])
            if kind in (set, frozenset):
                items = [ast.Tuple([self.code(i, aside) for i in x], ast.Load())] if x else []
                return ast.Call(name(kind.__name__), items, [])
            if kind is dict:
                return ast.Dict([self.code(k, aside) for k in x], [self.code(v, aside) for v in x.values()])
            return ast.Call(name("_made"), [parse(repr(encode(x)), "eval").body], [])

        def object(self, value, held):
            """The guest's expression for a known value. One that can change and is `held` here becomes the guest's."""
            if id(value) in self.escaped:
                return copy.deepcopy(self.escaped[id(value)][1])
            shared = {id(v) for v in self.known.values()}
            twice = self.repeated(value)

            def aside(x):
                if id(x) in self.escaped:
                    return copy.deepcopy(self.escaped[id(x)][1])
                if type(x) in (tuple, frozenset) or x is value or not (id(x) in shared or id(x) in twice):
                    return None
                return self.keep(x, self.code(x, lambda y: None if y is x else aside(y)))

            made = self.code(value, aside)
            if not held or isinstance(value, IMMUTABLE) or not self.changeable(value):
                return made
            return self.keep(value, made)

        def repeated(self, value):
            seen, twice, todo = set(), set(), [value]
            while todo:
                x = todo.pop()
                if isinstance(x, CONTAINERS):
                    if id(x) in seen:
                        twice.add(id(x))
                        continue
                    seen.add(id(x))
                    todo.extend(x.values() if isinstance(x, dict) else x)
            return twice

        def changeable(self, value):
            if isinstance(value, (tuple, frozenset)):
                return any(self.changeable(i) for i in value)
            return not isinstance(value, IMMUTABLE) and type(value).__module__ not in ("datetime", "decimal", "fractions")

        def keep(self, value, made):
            variable = self.variable()
            self.pending.append("%s = %s" % (variable, text(made)))
            self.escaped[id(value)] = (value, name(variable))
            self.written[variable] = made
            return name(variable)

        def variable(self):
            self.count += 1
            return "_v%d" % self.count

        def is_code(self, value):
            """Whether a value can be written as code."""
            try:
                self.code(value)
                return True
            except cannot:
                return False

        # Expressions for the guest, for the trusted interpreter, and for people.

        def known_part(self, n, bound):
            """Whether a part of an expression is known as a whole, and says so by a name."""
            names = [m.id for m in ast.walk(n) if isinstance(m, ast.Name)]
            mine = any(m in self.known and m not in self.guest for m in names)
            return mine and not any(m in bound for m in names) and self.structural(n)

        def for_guest(self, node, inside=False):
            """The expression as the guest evaluates it. `inside`: it holds expected values too, which stay copies."""
            stage = self
            bound = bound_in(node)

            class Put(ast.NodeTransformer):
                def visit(self, n):
                    if isinstance(n, ast.Name) and n.id not in bound:
                        if n.id in stage.guest:
                            return copy.deepcopy(stage.guest[n.id])
                        if id(stage.known.get(n.id)) in stage.escaped:
                            return copy.deepcopy(stage.escaped[id(stage.known[n.id])][1])
                        if n.id in stage.in_guest:
                            if n.id in stage.known and stage.changeable(stage.known[n.id]) and not callable(stage.known[n.id]):
                                stage.escaped[id(stage.known[n.id])] = (stage.known[n.id], name(n.id))
                            return n
                        if n.id in stage.functions or n.id in stage.origin:
                            return stage.define(n.id)
                        if n.id in modules and n.id not in stage.known:
                            return ast.Call(name("__import__"), [ast.Constant(n.id)], [])
                    if isinstance(n, ast.expr) and not isinstance(n, (ast.Constant, ast.Starred, ast.Lambda)) and stage.known_part(n, bound):
                        names = {m.id for m in ast.walk(n) if isinstance(m, ast.Name)}
                        value = None if names & stage.in_guest else stage.value(n)
                        if not names & stage.in_guest and not callable(value) and stage.is_code(value):
                            held = not inside and isinstance(n, (ast.Name, ast.Subscript, ast.Attribute))
                            return stage.object(value, held)
                    return self.generic_visit(n)

            return Put().visit(copy.deepcopy(node))

        def for_outside(self, node, written=None):
            """The expression as the trusted interpreter evaluates it: known variables as their values."""
            stage = self
            written = written or stage.code
            bound = bound_in(node)

            class Put(ast.NodeTransformer):
                def visit(self, n):
                    if isinstance(n, ast.expr) and not isinstance(n, (ast.Constant, ast.Starred)) and stage.known_part(n, bound):
                        if not stage.touches(n):
                            value = stage.value(n)
                            if not callable(value) and not isinstance(value, types.ModuleType) and stage.is_code(value):
                                return written(value)
                    return self.generic_visit(n)

            return Put().visit(copy.deepcopy(node))

        def for_people(self, node):
            """The expression with what its variables hold, as a person would write it."""
            stage = self

            def as_repr(value):
                made = stage.code(value)
                if any(isinstance(n, ast.Name) and n.id == "_made" for n in ast.walk(made)):
                    try:
                        return parse(repr(value), "eval").body
                    except cannot:
                        pass
                return made

            class Put(ast.NodeTransformer):
                def visit_Name(self, n):
                    if n.id in stage.guest and text(stage.guest[n.id]) != n.id:
                        return self.visit(copy.deepcopy(stage.guest[n.id]))
                    if n.id in stage.written:
                        return self.visit(copy.deepcopy(stage.written[n.id]))
                    return n

            return Put().visit(self.for_outside(node, as_repr))

        def define(self, identifier):
            """Gives the guest a definition of the test's (function, class, import), with what that needs."""
            if identifier not in self.defined:
                self.defined.add(identifier)
                node = self.functions.get(identifier) or self.origin[identifier]
                if not is_import(node):
                    for free in sorted(free_names(node)):
                        if free in self.functions or free in self.origin:
                            self.define(free)
                        elif free in self.guest:
                            self.pending.append("%s = %s" % (free, text(self.guest[free])))
                        elif free in self.known and free not in self.in_guest:
                            self.pending.append("%s = %s" % (free, text(self.object(self.known[free], True))))
                        elif free in modules:
                            self.pending.append("import %s" % free)
                self.pending.append(text(node))
                if isinstance(node, ast.Assign):
                    self.escaped[id(self.known[identifier])] = (self.known[identifier], name(identifier))
            return name(identifier)

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
            if not all(importable(m) for m in modules_of(node)):
                raise cannot("it imports %s" % ", ".join(modules_of(node)))
            # Again in the middle of a test: the same module, whose random numbers go on.
            before = random.getstate()
            self.context.append(node)
            self.note_origin(node)
            self.known.update(space_of(text(node)))
            random.setstate(before)

        on_ImportFrom = on_Import

        def on_FunctionDef(self, node):
            free = free_names(node) - {node.name}
            self.forget(node.name)
            if any(isinstance(n, ast.Assert) for n in ast.walk(node)) or any(not self.outside(n) for n in free):
                self.functions[node.name] = node
            else:
                self.learn(node)

        def on_ClassDef(self, node):
            self.forget(node.name)
            if all(self.outside(n) for n in free_names(node) - {node.name}):
                self.learn(node)
            else:
                self.functions[node.name] = node
                self.guest[node.name] = self.define(node.name)

        def learn(self, node):
            """A definition that does not touch the program: known out here, and given to the guest where it is used."""
            space = {**{n: importlib.import_module(n) for n in free_names(node) if n in modules and n not in self.known}, **self.known}
            try:
                exec(compile(ast.fix_missing_locations(ast.Module([node], [])), "<tests>", "exec"), space)
            except Exception as error:
                raise cannot("its own code raises %s" % type(error).__name__)
            for free in sorted(free_names(node)):
                if free in self.known and free not in self.origin and free not in self.in_guest and self.is_code(self.known[free]):
                    self.context.append(ast.Assign([ast.Name(free, ast.Store())], self.code(self.known[free]), lineno=0))
                elif free in modules and free not in self.known:
                    self.context.append(ast.Import([ast.alias(free)]))
            self.context.append(node)
            self.origin[node.name] = node
            self.known[node.name] = space[node.name]

        def forget(self, identifier):
            for names in (self.guest, self.functions, self.origin, self.known):
                names.pop(identifier, None)
            self.defined.discard(identifier)
            self.in_guest.discard(identifier)

        def on_Assign(self, node):
            value = self.opened(node.value)
            for target in node.targets:
                self.assign(target, value)
                if len(node.targets) > 1:
                    value = self.loaded(target)

        def on_AnnAssign(self, node):
            if node.value is not None:
                self.assign(node.target, self.opened(node.value))

        def on_AugAssign(self, node):
            value = self.opened(node.value)
            if self.touches(value) or self.touches(self.loaded(node.target)):
                if not isinstance(node.target, ast.Name):
                    target = self.for_guest(self.loaded(node.target))
                    target.ctx = ast.Store()
                    self.do(ast.AugAssign(target, node.op, self.for_guest(value)))
                    return
                # Under a name of its own: another name may stand for the same variable.
                old = self.for_guest(self.loaded(node.target))
                added = self.for_guest(value)
                variable = self.variable()
                self.pending.append("%s = %s" % (variable, text(old)))
                self.do(ast.AugAssign(ast.Name(variable, ast.Store()), node.op, added))
                self.forget(node.target.id)
                self.guest[node.target.id] = name(variable)
                return
            try:
                result = IN_PLACE[type(node.op)](self.value(self.loaded(node.target)), self.value(value))
            except (TypeError, ValueError, ArithmeticError) as error:
                raise cannot("its own code raises %s" % type(error).__name__)
            self.bind(node.target, result)

        def loaded(self, target):
            node = copy.deepcopy(target)
            for n in ast.walk(node):
                if hasattr(n, "ctx"):
                    n.ctx = ast.Load()
            return node

        def do(self, statement):
            self.pending.append(text(statement))

        def assign(self, target, value):
            if not self.structural(value):
                self.assign_result(target, value)
                return
            if isinstance(target, (ast.Subscript, ast.Attribute)) and self.touches(self.loaded(target)):
                self.assign_part(target, value)
                return
            made = self.value(value)
            if isinstance(target, ast.Name) and not self.is_code(made):
                # An object of a class of the test's, a lambda: the guest makes its own where it needs one.
                frozen = self.for_outside(value)
                self.bind(target, made)
                self.origin[target.id] = ast.Assign([ast.Name(target.id, ast.Store())], frozen, lineno=0)
                self.context.append(self.origin[target.id])
                return
            self.bind(target, made)

        def assign_result(self, target, value):
            if isinstance(target, (ast.Subscript, ast.Attribute)):
                self.assign_part(target, value)
                return
            if isinstance(target, ast.Name) and isinstance(value, ast.Name) and value.id not in self.known:
                made = self.for_guest(value)
                self.forget(target.id)
                self.guest[target.id] = made
                return
            made = self.for_guest(value)
            variables = {}

            class Rename(ast.NodeTransformer):
                def visit_Name(inner, n):
                    if isinstance(n.ctx, ast.Store):
                        variables[n.id] = self.variable()
                        return ast.Name(variables[n.id], ast.Store())
                    return self.for_guest(n)

            renamed = Rename().visit(copy.deepcopy(target))
            self.do(ast.Assign([renamed], made, lineno=0))
            for identifier, variable in variables.items():
                self.forget(identifier)
                self.guest[identifier] = name(variable)
            if isinstance(target, ast.Name):
                self.written[variables[target.id]] = made

        def assign_part(self, target, value):
            made = self.for_guest(value)
            place = self.for_guest(self.loaded(target))
            place.ctx = ast.Store()
            self.do(ast.Assign([place], made, lineno=0))

        def bind(self, target, value):
            if isinstance(target, ast.Name):
                self.forget(target.id)
                self.known[target.id] = value
                return
            if isinstance(target, (ast.Tuple, ast.List)):
                space = {}
                names = [n.id for n in ast.walk(target) if isinstance(n, ast.Name)]
                space["__value"] = value
                try:
                    source = ast.Assign([target], name("__value"), lineno=0)
                    exec(compile(ast.fix_missing_locations(ast.Module([copy.deepcopy(source)], [])), "<tests>", "exec"), space)
                except Exception as error:
                    raise cannot("its own code raises %s" % type(error).__name__)
                for identifier in names:
                    self.bind(ast.Name(identifier), space[identifier])
                return
            if isinstance(target, ast.Subscript) and not self.touches(self.loaded(target)):
                try:
                    self.value(target.value)[self.value(target.slice)] = value
                except Exception as error:
                    raise cannot("its own code raises %s" % type(error).__name__)
                return
            raise cannot("it assigns to more than names")

        def on_Delete(self, node):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    self.forget(target.id)
                elif isinstance(target, ast.Subscript) and not self.touches(self.loaded(target)):
                    del self.value(target.value)[self.value(target.slice)]
                else:
                    place = self.for_guest(self.loaded(target))
                    place.ctx = ast.Del()
                    self.do(ast.Delete([place]))

        def on_Expr(self, node):
            call = node.value
            if isinstance(call, ast.Constant):
                return
            called = call.func.id if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) else None
            if called in self.functions and called not in self.guest:
                self.inline(self.functions[called], call)
            elif self.touches(call):
                self.do(ast.Expr(self.for_guest(self.opened(call))))
            elif called != "print" and isinstance(call, ast.Call):
                receiver = call.func.value if isinstance(call.func, ast.Attribute) else None
                if receiver is not None and isinstance(receiver, ast.Name) and receiver.id in self.origin:
                    if isinstance(self.origin[receiver.id], ast.Assign):
                        raise cannot("it changes an object of a class of its own")
                self.value(call)

        def inline(self, function, call):
            given = parameters(function, call)
            before = [dict(names) for names in (self.known, self.guest, self.functions, self.origin)]
            arguments = {p: self.opened(a) for p, a in given.items()}
            # All of them before any is bound: a parameter may have the name of an argument.
            ready = []
            for parameter, argument in arguments.items():
                if self.structural(argument):
                    ready.append((parameter, None, self.value(argument)))
                elif isinstance(argument, ast.Name):
                    ready.append((parameter, self.for_guest(argument), None))
                else:
                    made = self.for_guest(argument)
                    variable = self.variable()
                    self.pending.append("%s = %s" % (variable, text(made)))
                    self.written[variable] = made
                    ready.append((parameter, name(variable), None))
            for parameter, made, value in ready:
                self.forget(parameter)
                if made is None:
                    self.known[parameter] = value
                else:
                    self.guest[parameter] = made
            try:
                self.block(function.body)
            except Leave as leave:
                if leave.args[0] != "return":
                    raise
            self.known, self.guest, self.functions, self.origin = before

        def on_If(self, node):
            self.block(node.body if self.value(self.opened(node.test)) else node.orelse)

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

        def opened(self, node):
            """An expression with assignments made before it, calls of the test's own functions written out, and
            comprehensions over known values as the list of their elements."""
            stage = self

            class Open(ast.NodeTransformer):
                def visit_NamedExpr(self, n):
                    stage.assign(ast.Name(n.target.id, ast.Store()), self.visit(n.value))
                    return name(n.target.id)

                def visit_Lambda(self, n):
                    return n

                def visit_Call(self, n):
                    n = self.generic_visit(n)
                    function = stage.functions.get(n.func.id) if isinstance(n.func, ast.Name) else None
                    body = returned(function) if isinstance(function, ast.FunctionDef) else None
                    if body is None or any(isinstance(m, (ast.Lambda, ast.comprehension)) for m in ast.walk(body)):
                        return n
                    if any(isinstance(m, ast.Name) and m.id == function.name for m in ast.walk(body)):
                        return n
                    given = parameters(function, n)
                    uses = [m.id for m in ast.walk(body) if isinstance(m, ast.Name)]
                    if any(uses.count(p) > 1 and not isinstance(a, (ast.Name, ast.Constant)) for p, a in given.items()):
                        return n

                    class Fill(ast.NodeTransformer):
                        def visit_Name(self, m):
                            return copy.deepcopy(given[m.id]) if m.id in given else m

                    return self.visit(Fill().visit(copy.deepcopy(body)))

                def expand(self, n, make):
                    generators = n.generators
                    if any(g.is_async or stage.touches(g.iter) or any(stage.touches(i) for i in g.ifs) for g in generators[:1]):
                        return n
                    parts = [n.key, n.value] if isinstance(n, ast.DictComp) else [n.elt]
                    whole = ast.Tuple(parts, ast.Load())
                    bound = {t.id for g in generators for t in ast.walk(g.target) if isinstance(t, ast.Name)}
                    if not any(isinstance(m, ast.Name) and m.id not in bound and not stage.outside(m.id) for m in ast.walk(whole)):
                        return n
                    if any(isinstance(m, (ast.Lambda, ast.comprehension)) for m in ast.walk(whole)):
                        return n
                    try:
                        rows = stage.rows(generators, parts)
                    except cannot:
                        return n
                    return make([[self.visit(p) for p in row] for row in rows])

                def visit_ListComp(self, n):
                    return self.expand(n, lambda rows: ast.List([r[0] for r in rows], ast.Load()))

                visit_GeneratorExp = visit_ListComp

                def visit_SetComp(self, n):
                    return self.expand(n, lambda rows: ast.Set([r[0] for r in rows]) if rows else n)

                def visit_DictComp(self, n):
                    return self.expand(n, lambda rows: ast.Dict([r[0] for r in rows], [r[1] for r in rows]))

            opened = Open().visit(copy.deepcopy(node))
            return opened

        def rows(self, generators, parts):
            """The elements of a comprehension over known values, each variable under a name of its own."""
            first, *rest = generators
            rows = []
            before = dict(self.known), dict(self.guest), dict(self.functions), dict(self.origin)
            for item in self.value(first.iter):
                self.bind(first.target, item)
                if not all(self.value(test) for test in first.ifs):
                    continue
                if rest:
                    rows.extend(self.rows(rest, parts))
                    continue
                own = {}
                for t in ast.walk(ast.Tuple([g.target for g in generators], ast.Load())):
                    if isinstance(t, ast.Name) and t.id in self.known:
                        self.count += 1
                        own[t.id] = "_c%d" % self.count
                        self.elements[own[t.id]] = self.known[t.id]
                rows.append([self.renamed(p, own) for p in parts])
                if len(rows) > MAX_ITEMS:
                    raise cannot("it goes through more than %d items" % MAX_ITEMS)
            self.known, self.guest, self.functions, self.origin = before
            self.known.update(self.elements)
            return rows

        def renamed(self, node, names):
            class Rename(ast.NodeTransformer):
                def visit_Name(self, n):
                    return name(names[n.id]) if n.id in names else n

            return Rename().visit(copy.deepcopy(node))

        def on_Assert(self, node):
            test = node.test
            inner = test.args[0] if isinstance(test, ast.Call) and len(test.args) == 1 and not test.keywords else None
            is_all = inner is not None and isinstance(test.func, ast.Name) and test.func.id == "all"
            if is_all and isinstance(inner, (ast.GeneratorExp, ast.ListComp)) and self.touches(test):
                if not any(self.touches(g.iter) for g in inner.generators):
                    self.each(inner.generators, inner.elt)
                    return
            test = self.opened(test)
            # An assert that is the whole test calls the program, be it by a builtin's name.
            if not self.touches(test) and not self.single:
                if self.value(test):
                    return
                raise cannot("it fails whatever the program does")
            self.memo = {}
            self.plans.append({**self.split(test, self), **self.taken()})
            self.memo = None
            if len(self.plans) > MAX_ASSERTS:
                raise cannot("it makes more than %d asserts" % MAX_ASSERTS)

        def taken(self):
            """The guest's statements before the assert that was just split."""
            before = "\n".join(self.pending)
            self.pending = []
            return {"before": before} if before else {}

        def each(self, generators, element):
            if not generators:
                self.on_Assert(ast.Assert(element))
                return
            first, *rest = generators
            before = dict(self.known), dict(self.guest), dict(self.functions), dict(self.origin)
            for item in self.value(first.iter):
                self.bind(first.target, item)
                if all(self.value(test) for test in first.ifs):
                    self.each(rest, element)
            self.known, self.guest, self.functions, self.origin = before

        def run(self, source):
            """Plans of the test's asserts, and what it does after the last one."""
            random.seed(0)
            body = parse(source).body
            self.single = len(body) == 1 and isinstance(body[0], ast.Assert)
            self.block(body)
            if not self.plans:
                raise cannot("it makes no assert")
            if self.single and len(self.plans) == 1:
                self.plans[0]["source"] = source
            if self.pending:
                shown = self.pending[-1]
                self.plans.append({"kind": "run", "source": shown, **self.taken()})
            return self.plans

        def helpers(self):
            """The test's own definitions, as code for the trusted interpreter."""
            return text(ast.Module(list(self.context), []))

    return Stage, environment, space_of, compares
