"""Finds programs in completions: the longest span that parses, and what EvalPlus' sanitiser keeps of it.

With programs.py in front, which finds the program of a reply.
"""


def make_sources():
    import ast
    import itertools
    import keyword

    Reader, Refused = make_reader()

    def under_budget(find):
        """The action that answers with what `find(request, reader)` finds, or why it could not look at all of the text."""

        def action(request):
            reader = Reader()
            try:
                code = find(request, reader)
            except Refused as why:
                return {"code": None, "refused": str(why)}
            return {"code": code, "refused": reader.passed_over if code is None else None}

        return action

    def lines_of(text, limit, reader):
        lines = text.split("\n")
        if len(lines) > limit:
            reader.passed_over = "No program is in the first %d lines of this text, and no others are looked at." % limit
        return lines[:limit]

    def parsable(request, reader):
        """Prefers spans that define a function: a line of prose may parse as a name."""
        lines = lines_of(request["text"], 400, reader)
        starts = [i for i, line in enumerate(lines) if line[:1].strip() and not line.startswith("#")]
        anchors = [i for i in starts if line_defines(lines[i])]
        for candidates in (anchors, starts) if anchors != starts else (starts,):
            best = None
            try:
                for start in candidates[:40]:
                    end = len(lines)
                    while end > start:
                        size = sum(map(len, lines[start:end]))
                        if best is not None and size <= best[0]:
                            break
                        if not lines[end - 1].strip():
                            end -= 1
                            continue
                        tree = reader.parse("\n".join(lines[start:end]))
                        if tree is not None and tree.body:
                            best = (size, start, end)
                            break
                        end = start + reader.never - 1
            except Refused:
                # What was found on the budget counts.
                if best is None:
                    raise
            if best is not None:
                return "\n".join(lines[best[1] : best[2]])
        return None

    def line_defines(line):
        return line.startswith(("def ", "class ", "import ", "from ", "async def ", "@"))

    # EvalPlus' sanitiser (evalplus/sanitize.py, v0.3.1), which works on tree-sitter's tree; its quirks are kept:
    #   a span has two lines at least, else the first line is taken, whatever it is;
    #   of two definitions of one name the first stays;
    #   decorated definitions, `from __future__` imports, functions without a `return`, augmented assignments and all
    #   other statements at the top level are dropped, and so is what the entry point does not reach by name;
    #   imports are moved to the front.

    def longest_span(text, reader):
        """EvalPlus counts lines that are not blank; of equally long spans the first wins."""
        lines = lines_of(text, 600, reader)
        filled = [bool(line.strip()) for line in lines]
        before = [0, *itertools.accumulate(filled)]
        best, span = 0, (0, 1)
        try:
            for start, line in enumerate(lines):
                if line[:1].isspace() and filled[start] and not line.lstrip().startswith("#"):
                    continue
                end = len(lines)
                while end > start + 1:
                    size = before[end] - before[start]
                    if size <= best:
                        break
                    if not filled[end - 1] and end > start + 2:
                        end -= 1
                        continue
                    if reader.parse("\n".join(lines[start:end])) is not None:
                        best, span = size, (start, end)
                        break
                    end = start + reader.never - 1
        except Refused:
            # What was found on the budget counts, and what is kept of it has a budget of its own.
            if best == 0:
                raise
            reader.work = 0
        return "\n".join(lines[span[0] : span[1]])

    def names_in(source, reader):
        return {name for name in reader.names(source) if not keyword.iskeyword(name)}

    def assigned_name(node):
        """Tree-sitter's first identifier among the parts of an assignment."""
        target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
        if isinstance(target, ast.Name):
            return target.id
        several = isinstance(node, ast.Assign) and len(node.targets) > 1
        return node.value.id if isinstance(node.value, ast.Name) and not several else None

    def sanitize(request, reader):
        code = longest_span(request["text"], reader)
        tree = reader.parse(code)
        if tree is None:
            return None
        imports, definitions, taken = [], [], set()
        for node in tree.body:
            name = None
            if isinstance(node, ast.Import) or (isinstance(node, ast.ImportFrom) and node.module != "__future__"):
                imports.append(reader.segment(code, node))
                continue
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                if node.decorator_list or not any(isinstance(n, ast.Return) for n in ast.walk(node)):
                    continue
                name = node.name
            elif isinstance(node, ast.ClassDef):
                if node.decorator_list:
                    continue
                name = node.name
            elif isinstance(node, (ast.Assign, ast.AnnAssign)):
                name = assigned_name(node)
            else:
                continue
            if name not in taken:
                taken.add(name)
                definitions.append((name, reader.segment(code, node)))
        entry = request["entryPoint"]
        if entry is not None:
            reached = reachable(entry, {name: names_in(source, reader) for name, source in definitions})
            definitions = [d for d in definitions if d[0] in reached]
        return "\n".join(imports + [source for _, source in definitions])

    def reachable(entry, uses):
        queue, reached = [entry], {entry}
        while queue:
            for name in uses.get(queue.pop(), ()):
                if name not in reached:
                    reached.add(name)
                    queue.append(name)
        return reached

    return make_programs(Reader, parsable, under_budget), under_budget(sanitize)
