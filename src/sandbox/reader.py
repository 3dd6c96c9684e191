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
    # Characters parsed, again for each attempt: the dearest take 0.7 microseconds of a reference machine each, so this is
    # two seconds at most.
    MAX_WORK = 3_000_000
    # What costs as much: an attempt that fails at once; so many characters that are only passed by; those that are tokenized.
    ATTEMPT = 100
    PASSED = 32
    TOKENIZED = 4

    # Errors that every text has which begins with the same lines, up to the one that is named: the parser's at its last token,
    # the tokenizer's; and the one of these that may be found far behind that line.
    FINAL = (
        "invalid syntax", "unexpected indent",
        "unterminated ", "invalid character ", "invalid non-printable ", "invalid decimal literal", "leading zeros ",
        "unexpected character ", "unmatched ", "closing parenthesis ", "unindent ", "inconsistent use of tabs", "too many nested ",
        "too many levels ",
    )  # fmt: skip
    OPEN = "was never closed"

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

    def line_of(error, source):
        """The line, counted from 1, that no text may have which begins like this one; None where that is not known."""
        message = str(getattr(error, "msg", ""))
        final = message == FINAL[0] or message.startswith(FINAL[1:]) or message.endswith(OPEN)
        # The parser counts carriage returns as lines.
        return error.lineno or None if final and "\r" not in source else None

    def length_of(source, lines):
        at = 0
        for _ in range(lines):
            at = source.find("\n", at) + 1
            if at == 0:
                return len(source)
        return at

    class Reader:
        def __init__(self):
            self.work = 0
            # Why a part of the text was not looked at.
            self.passed_over = None
            # Of the text that `parse` has refused last: so many of its lines, or more, are no Python either.
            self.never = None

        def spend(self, characters):
            self.work += characters
            if self.work > MAX_WORK:
                raise Refused("No program was found in this text before %d characters of attempts were parsed." % MAX_WORK)

        def parse(self, source):
            """The syntax tree, or None for what is not Python or too deep."""
            self.never = source.count("\n") + 1
            self.spend(ATTEMPT + len(source) // PASSED)
            if len(source) > MAX_DEPTH and most(source) > MAX_DEPTH:
                self.spend(TOKENIZED * len(source))
                if depth(source) > MAX_DEPTH:
                    self.passed_over = "An expression of this text, or its chain of elif, is deeper than %d." % MAX_DEPTH
                    return None
            try:
                tree = ast.parse(source)
            except NO_PYTHON as error:
                line = line_of(error, source)
                self.never = min(self.never, line or self.never)
                whole = line is None or str(error.msg).endswith(OPEN)
                self.spend(len(source) if whole else length_of(source, line))
                return None
            self.spend(len(source))
            return tree

        def names(self, source):
            """The identifiers of a piece of code."""
            self.spend(ATTEMPT + TOKENIZED * len(source))
            try:
                tokens = list(tokenize.generate_tokens(io.StringIO(source + "\n").readline))
            except (tokenize.TokenError, *NO_PYTHON):
                return set()
            return {t.string for t in tokens if t.type == tokenize.NAME}

        def segment(self, source, node):
            """The text of a node of the tree of `source`."""
            self.spend(ATTEMPT + len(source) // 8)
            return ast.get_source_segment(source, node)

    return Reader, Refused
