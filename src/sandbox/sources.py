"""Finds programs in completions: the longest span that parses, and what EvalPlus' sanitiser keeps of it."""


def make_sources():
    import ast
    import io
    import keyword
    import tokenize

    def parses(lines):
        try:
            return len(ast.parse("\n".join(lines)).body) > 0
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False

    def parsable(request):
        """Prefers spans that define a function: a line of prose may parse as a name."""
        lines = request["text"].split("\n")[:400]
        starts = [i for i, line in enumerate(lines) if line[:1].strip() and not line.startswith("#")]
        anchors = [i for i in starts if line_defines(lines[i])]
        for candidates in (anchors, starts):
            best = None
            for start in candidates[:40]:
                for end in range(len(lines), start, -1):
                    size = sum(map(len, lines[start:end]))
                    if best is not None and size <= best[0]:
                        break
                    if lines[end - 1].strip() and parses(lines[start:end]):
                        best = (size, start, end)
                        break
            if best is not None:
                return {"code": "\n".join(lines[best[1] : best[2]])}
        return {"code": None}

    def line_defines(line):
        return line.startswith(("def ", "class ", "import ", "from ", "async def ", "@"))

    # EvalPlus' sanitiser (evalplus/sanitize.py, v0.3.1), which works on tree-sitter's tree; its quirks are kept:
    #   a span has two lines at least, else the first line is taken, whatever it is;
    #   of two definitions of one name the first stays;
    #   decorated definitions, `from __future__` imports, functions without a `return`, augmented assignments and all
    #   other statements at the top level are dropped, and so is what the entry point does not reach by name;
    #   imports are moved to the front.

    def longest_span(text):
        """EvalPlus counts lines that are not blank; of equally long spans the first wins."""
        lines = text.split("\n")[:600]
        filled = [bool(line.strip()) for line in lines]
        best, span = 0, (0, 1)
        for start, line in enumerate(lines):
            if line[:1].isspace() and filled[start] and not line.lstrip().startswith("#"):
                continue
            size = sum(filled[start:])
            for end in range(len(lines), start + 1, -1):
                if size <= best:
                    break
                if not filled[end - 1] and end > start + 2:
                    continue
                if parses_or_empty(lines[start:end]):
                    best, span = size, (start, end)
                    break
                size -= filled[end - 1]
        return "\n".join(lines[span[0] : span[1]])

    def parses_or_empty(lines):
        try:
            ast.parse("\n".join(lines))
            return True
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False

    def names_in(source):
        try:
            tokens = list(tokenize.generate_tokens(io.StringIO(source + "\n").readline))
        except (tokenize.TokenError, SyntaxError):
            return set()
        return {t.string for t in tokens if t.type == tokenize.NAME and not keyword.iskeyword(t.string)}

    def assigned_name(node):
        """Tree-sitter's first identifier among the parts of an assignment."""
        target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
        if isinstance(target, ast.Name):
            return target.id
        several = isinstance(node, ast.Assign) and len(node.targets) > 1
        return node.value.id if isinstance(node.value, ast.Name) and not several else None

    def sanitize(request):
        code = longest_span(request["text"])
        try:
            tree = ast.parse(code)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return {"code": None}
        imports, definitions, taken = [], [], set()
        for node in tree.body:
            name = None
            if isinstance(node, ast.Import) or (isinstance(node, ast.ImportFrom) and node.module != "__future__"):
                imports.append(ast.get_source_segment(code, node))
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
                definitions.append((name, ast.get_source_segment(code, node)))
        entry = request["entryPoint"]
        if entry is not None:
            reached = reachable(entry, {name: names_in(source) for name, source in definitions})
            definitions = [d for d in definitions if d[0] in reached]
        return {"code": "\n".join(imports + [source for _, source in definitions])}

    def reachable(entry, uses):
        queue, reached = [entry], {entry}
        while queue:
            for name in uses.get(queue.pop(), ()):
                if name not in reached:
                    reached.add(name)
                    queue.append(name)
        return reached

    return parsable, sanitize
