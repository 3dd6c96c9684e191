"""Finds the program in a model's reply, by what parses and defines the function that is asked for.

Candidates are fenced blocks (of any length, indented, quoted, never closed, begun in the prompt), tags, and spans of
plain text, all outside <think>. Of those that parse and define the entry point the last is taken, with the blocks that
define names it needs. A fence inside a string is no fence: a block ends at the first closing line that leaves Python.
"""


def make_programs(Reader, parsable, under_budget):
    import ast
    import builtins
    import re
    import textwrap

    # Closing lines that are tried for one block, and blocks that are looked at.
    MAX_ENDS = 12
    MAX_BLOCKS = 200
    THINK = ("think", "thinking", "thought", "reasoning")
    TAGS = ("code", "answer", "solution", "python")

    def answer_of(text):
        """The text without what the model thought before it answered."""
        for tag in THINK:
            opening, closing = "<%s>" % tag, "</%s>" % tag
            while True:
                end = position(text, closing)
                start = position(text, opening)
                if end < 0:
                    break
                # A closing tag alone: the prompt opened it.
                if 0 <= start < end:
                    text = text[:start] + "\n" + text[end + len(closing):]
                else:
                    text = text[end + len(closing):]
            start = position(text, opening)
            if start >= 0 and not text[:start].strip():
                # Cut off while it thought.
                return ""
            if start >= 0:
                text = text[:start]
        return text

    def position(text, tag):
        """Where a tag stands that is not part of a string or of a line of code."""
        at = text.find(tag)
        while at >= 0:
            line = text.rfind("\n", 0, at) + 1
            before, after = text[line:at], text[at + len(tag): at + len(tag) + 1]
            quoted = after in ("'", '"') or before.count("'") % 2 and after == "'" or before.rstrip()[-1:] in ("'", '"', "(")
            if not quoted:
                return at
            at = text.find(tag, at + 1)
        return -1

    class Fence:
        """A line that opens a block."""

        def __init__(self, lead, char, length, info):
            self.lead, self.char, self.length, self.info = lead, char, length, info

    def opens(line):
        line = line.rstrip()
        last = max(line.rfind("`"), line.rfind("~"))
        if last < 2:
            return None
        char = line[last]
        start = last
        while start > 0 and line[start - 1] == char:
            start -= 1
        if last - start < 2:
            return None
        return Fence(line[:start], char, last - start + 1, line[last + 1:].strip())

    def closes(line, fence):
        line = line.strip().lstrip("> ").strip()
        return len(line) >= fence.length and line == fence.char * len(line)

    def content(lines, lead):
        """The lines of a block without the indent, or the quote marks, that its fence stands behind."""
        if lead.strip() and not lead.strip().strip(">"):
            lines = [re.sub(r"^\s{0,3}(> ?)+", "", line) for line in lines]
            lead = ""
        indent = len(lead) - len(lead.lstrip())
        if indent and not lead.strip():
            lines = [line[min(indent, len(line) - len(line.lstrip())):] for line in lines]
        while lines and not lines[-1].strip():
            lines = lines[:-1]
        return "\n".join(lines)

    class Candidate:
        def __init__(self, source, tree, info=""):
            self.source, self.tree, self.info = source, tree, info
            self.defined = defined_by(tree) if tree is not None else set()

    def defined_by(tree):
        """Names that a program's top level binds."""
        names = set()
        todo = list(tree.body)
        while todo:
            node = todo.pop()
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                names.add(node.name)
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                names |= {(a.asname or a.name).split(".")[0] for a in node.names}
            elif isinstance(node, (ast.If, ast.Try, ast.For, ast.While, ast.With)):
                todo.extend(n for n in ast.iter_child_nodes(node) if isinstance(n, ast.stmt))
                todo.extend(n for h in getattr(node, "handlers", []) for n in h.body)
            else:
                names |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        return names

    def needed_by(tree):
        """Names that a program uses and binds nowhere."""
        loads, bound = set(), set(dir(builtins))
        for n in ast.walk(tree):
            if isinstance(n, ast.Name):
                (loads if isinstance(n.ctx, ast.Load) else bound).add(n.id)
            elif isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                bound.add(n.name)
            elif isinstance(n, ast.arg):
                bound.add(n.arg)
            elif isinstance(n, (ast.Import, ast.ImportFrom)):
                bound |= {(a.asname or a.name).split(".")[0] for a in n.names}
            elif isinstance(n, ast.ExceptHandler) and n.name:
                bound.add(n.name)
        return loads - bound

    def read(source, reader, info=""):
        """A candidate of code that may be indented as a whole."""
        tree = reader.parse(source)
        if tree is None and source[:1].isspace():
            loose = textwrap.dedent(source)
            tree = reader.parse(loose)
            source = source if tree is None else loose
        return Candidate(source, tree if tree is not None and tree.body else None, info)

    def blocks(text, reader):
        """Candidates in fences, in their order; and those that do not parse."""
        lines = [line.rstrip("\r") for line in text.split("\n")]
        fences = [i for i, line in enumerate(lines) if "```" in line or "~~~" in line]
        found = []
        after = 0
        for place, i in enumerate(fences[:MAX_BLOCKS]):
            if i < after:
                continue
            fence = opens(lines[i])
            if fence is None:
                continue
            if fence.char * 3 in fence.lead:
                # Opened and closed in one line.
                inner = fence.lead[fence.lead.find(fence.char * 3):].lstrip(fence.char)
                found.append(read(inner.strip(), reader))
                continue
            if not found and not lines[i].strip().strip(fence.char):
                # Begun in the prompt: what stands before the first fence is code, and this one closes it.
                begun = read(content(lines[:i], ""), reader)
                if begun.tree is not None and any(isinstance(n, ast.stmt) and not isinstance(n, ast.Expr) for n in begun.tree.body):
                    found.append(begun)
                    after = i + 1
                    continue
            ends = []
            for j in fences[place + 1: place + 1 + MAX_ENDS]:
                if closes(lines[j], fence):
                    ends.append((j, content(lines[i + 1:j], fence.lead)))
                elif lines[j].rstrip().endswith(fence.char * fence.length):
                    kept = lines[j].rstrip().rstrip(fence.char)
                    ends.append((j, content([*lines[i + 1:j], kept], fence.lead)))
            if len(fences) - place - 1 <= MAX_ENDS and not ends:
                ends.append((len(lines), content(lines[i + 1:], fence.lead)))
            broken = None
            for j, source in ends:
                candidate = read(source, reader, fence.info)
                if candidate.tree is not None:
                    found.append(candidate)
                    after = j + 1
                    break
                broken = broken or candidate
            else:
                if broken is not None and broken.source.strip():
                    found.append(broken)
        return found

    def tagged(text, reader):
        found = []
        for tag in TAGS:
            opening, closing = "<%s>" % tag, "</%s>" % tag
            start = text.find(opening)
            tries = 0
            while start >= 0 and tries < MAX_ENDS:
                tries += 1
                begin = start + len(opening)
                end = text.find(closing, begin)
                inner = (text[begin:] if end < 0 else text[begin:end]).strip("\n")
                if "```" not in inner and inner.strip():
                    found.append(read(inner.rstrip(), reader))
                start = text.find(opening, begin if end < 0 else end)
        return found

    def joined(chosen, others):
        """The chosen program, and the blocks that define names it needs and has not, in the text's order."""
        kept = {id(chosen)}
        have = set(chosen.defined)
        missing = needed_by(chosen.tree)
        while True:
            more = [c for c in others if c.tree is not None and id(c) not in kept and (missing - have) & c.defined]
            if not more:
                break
            # Of several drafts of a helper the last.
            kept.add(id(more[-1]))
            have |= more[-1].defined
            missing |= needed_by(more[-1].tree)
        parts = [c.source for c in others if id(c) in kept and c is not chosen] + [chosen.source]
        return "\n\n".join(parts)

    def defines(candidate):
        return any(isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) for n in candidate.tree.body)

    def program(request, reader):
        text = answer_of(request["text"].removeprefix("\ufeff"))
        entry, prefix = request["entryPoint"], request.get("prefix") or ""
        fenced = blocks(text, reader)
        marked = tagged(text, reader)
        found = fenced + marked
        parsed = [c for c in found if c.tree is not None]
        good = [c for c in parsed if entry is None or entry in c.defined]
        if entry is None:
            good = [c for c in good if defines(c)] or good
        # In a tag that was asked for, or in fences: the text after the last fence is nearer to the answer.
        last = [c for c in fenced if c in good][-1:] or good[-1:]
        tag = [c for c in marked if c in good][-1:]
        if request.get("tagged") and tag:
            last = tag
        if last:
            return joined(last[0], [c for c in fenced if c.tree is not None] or parsed)
        if prefix:
            # The completion goes on with the problem's own beginning, up to a fence that the prompt opened.
            cut = text.split("\n```", 1)[0]
            for whole in (prefix + text, prefix + cut):
                candidate = read(whole, reader)
                if candidate.tree is not None and entry in candidate.defined:
                    return candidate.source
            if not found:
                return prefix + text
        plain = re.sub(r"```[^\n]*|</?(?:code|answer|solution|python)>", "", text)
        span = parsable({"text": plain}, reader) if plain.strip() else None
        if span is not None and (not found or (entry is not None and entry in read(span, reader).defined)):
            return span
        # Nothing defines what is asked for. A program that does not parse says why, and one that defines another name too.
        named = [c for c in found if entry is not None and re.search(r"\b(?:def|class) +%s\b" % re.escape(entry), c.source)]
        chosen = named[-1:] or [c for c in parsed if defines(c)][-1:] or [c for c in found if c.tree is None][-1:] or parsed[-1:]
        return chosen[0].source if chosen else span

    return under_budget(program)
