"""Reads a hostile text under budgets of depth and work, so that what becomes of it depends on the text and on nothing else.

Whatever parses or tokenizes a text that a model wrote does so through a `Reader`. The wall clock (src/sandbox/trusted.ts)
is for what these budgets miss.
"""


def make_reader():
    import ast
    import io
    import tokenize

    # A browser's worker overflows its stack between 1,500 and 2,000 operators in a row and between 1,000 and 1,500 `elif`,
    # Node's at about five times that: with a lower limit both judge alike.
    MAX_DEPTH = 500
    # Characters read, again for each attempt: about two seconds of a reference machine.
    MAX_WORK = 40_000_000
    # What an attempt costs besides its characters.
    ATTEMPT = 200

    NO_PYTHON = (SyntaxError, ValueError, RecursionError, MemoryError)
    OPERATORS = set("+ - * / // % @ & | ^ ~ ** << >> .".split())
    WORDS = {"not", "lambda", "if", "await"}

    class Refused(Exception):
        """A budget is spent; the message is a sentence that names it."""

    def most(source):
        """No expression is deeper; found without looking at the tokens."""
        return sum(map(source.count, [*"+-*/%@&|^~.<>([{", "not", "lambda", "if", "await"]))

    def depth(source):
        """Operators, calls and prefixes around each other, and the `elif` that hang on each other; where the text stops being
        Python, up to there."""
        # Of each open bracket: what its current item has in a row, and how many of these are `lambda`, which a comma does not end.
        open_brackets = [[0, 0]]
        now = deepest = chained = 0
        try:
            for token in tokenize.generate_tokens(io.StringIO(source).readline):
                kind, text = token.type, token.string
                run = open_brackets[-1]
                if kind == tokenize.NEWLINE or (kind == tokenize.OP and text in (",", ";")):
                    left = run[1] if text == "," else 0
                    now += left - run[0]
                    run[:] = [left, left]
                elif kind == tokenize.OP and text in ("(", "[", "{"):
                    run[0] += 1
                    now += 1
                    open_brackets.append([0, 0])
                elif kind == tokenize.OP and text in (")", "]", "}"):
                    if len(open_brackets) > 1:
                        now -= open_brackets.pop()[0]
                elif (kind == tokenize.OP and text in OPERATORS) or (kind == tokenize.NAME and text in WORDS):
                    run[0] += 1
                    run[1] += text == "lambda"
                    now += 1
                elif kind == tokenize.NAME and text == "elif":
                    chained += 1
                deepest = max(deepest, now)
        except (tokenize.TokenError, *NO_PYTHON):
            pass
        return deepest + chained

    class Reader:
        def __init__(self):
            self.work = 0
            # Why a part of the text was not looked at.
            self.passed_over = None

        def spend(self, characters):
            self.work += characters
            if self.work > MAX_WORK:
                raise Refused("No program was found in this text before the budget of %d characters read was spent." % MAX_WORK)

        def parse(self, source):
            """The syntax tree, or None for what is not Python or too deep."""
            self.spend(len(source) + ATTEMPT)
            if len(source) > MAX_DEPTH and most(source) > MAX_DEPTH:
                self.spend(10 * len(source))
                if depth(source) > MAX_DEPTH:
                    self.passed_over = "An expression of this text, or its chain of elif, is deeper than %d." % MAX_DEPTH
                    return None
            try:
                return ast.parse(source)
            except NO_PYTHON:
                return None

        def names(self, source):
            """The identifiers of a piece of code."""
            self.spend(10 * len(source) + ATTEMPT)
            try:
                tokens = list(tokenize.generate_tokens(io.StringIO(source + "\n").readline))
            except (tokenize.TokenError, *NO_PYTHON):
                return set()
            return {t.string for t in tokens if t.type == tokenize.NAME}

        def segment(self, source, node):
            """The text of a node of the tree of `source`."""
            self.spend(10 * len(source) + ATTEMPT)
            return ast.get_source_segment(source, node)

    return Reader, Refused
