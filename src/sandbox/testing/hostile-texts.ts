const times = (count: number, text: string) => text.repeat(count);
export const GOOD_TEXT = 'def f(x):\n    return x + 1';

/** Completions that are made to kill, stall or confuse what looks for a program in them. */
export const HOSTILE_TEXTS: Readonly<Record<string, string>> = {
  'nine hundred characters of open brackets': times(180, 'x = (') + '\n' + GOOD_TEXT,
  'brackets in brackets': 'x = ' + times(20_000, '[') + times(20_000, ']') + '\n' + GOOD_TEXT,
  'a sum of twenty thousand terms': 'x = ' + times(20_000, '1+') + '1\n' + GOOD_TEXT,
  'unary operators': 'x = ' + times(20_000, '-') + '1\n' + GOOD_TEXT,
  'not not not': 'x = ' + times(10_000, 'not ') + '1\n' + GOOD_TEXT,
  'lambdas in lambdas': 'x = ' + times(5_000, 'lambda: ') + '1\n' + GOOD_TEXT,
  'a chain of attributes': 'x = a' + times(20_000, '.a') + '\n' + GOOD_TEXT,
  'a chain of calls': 'x = a' + times(15_000, '()') + '\n' + GOOD_TEXT,
  'conditionals in conditionals': 'x = ' + times(4_000, '1 if 1 else ') + '1\n' + GOOD_TEXT,
  'f-strings in f-strings': 'x = ' + times(300, "f'{") + '1' + times(300, "}'") + '\n' + GOOD_TEXT,
  'dictionaries in dictionaries':
    'x = ' + times(9_000, '{1:') + '1' + times(9_000, '}') + '\n' + GOOD_TEXT,
  'blocks in blocks': Array.from({ length: 120 }, (_, i) => ' '.repeat(i) + 'if 1:').join('\n'),
  'a pattern in patterns':
    'match x:\n case ' + times(5_000, '[') + times(5_000, ']') + ': pass\n' + GOOD_TEXT,
  'a decorator of brackets': '@' + times(5_000, '(') + '\n' + GOOD_TEXT,
  'a power that folds': 'x = 2 ** 10 ** 8 ** 3\n' + GOOD_TEXT,
  'a string that folds': "x = 'a' * 10 ** 9\n" + GOOD_TEXT,
  'a number of a hundred thousand digits': 'x = ' + times(100_000, '7') + '\n' + GOOD_TEXT,
  'a million lines': times(1_000_000, 'x\n'),
  'lines that almost parse': times(400, 'def g(:\n') + GOOD_TEXT,
  'null bytes': 'x = 1\0\0\0\n' + GOOD_TEXT,
  'lone surrogates': 'x = "\ud800"\n' + GOOD_TEXT,
  'an encoding that is none': '# -*- coding: rot13 -*-\n' + GOOD_TEXT,
  'carriage returns alone': GOOD_TEXT.replaceAll('\n', '\r'),
  'form feeds': '\f\f\f' + GOOD_TEXT,
  'backslashes to the end': times(5_000, '\\\n'),
  'quotes without an end': times(3_000, '"""\n'),
  'a chain of elif': 'if a: pass\n' + times(3_000, 'elif a: pass\n'),
  'a chain of elif on few lines': 'if a: pass\n' + times(399, 'elif ' + times(60, '-') + 'a: b\n'),
  'comprehensions in comprehensions': 'x = ' + times(190, '[x for x in ') + times(190, ']') + '\n',
  'lambdas that take two': 'x = ' + times(3_000, 'lambda a, b: ') + '1\n' + GOOD_TEXT,
  'a sum on many lines': 'x = (\n' + times(300, times(60, '1+') + '\n') + '1)\n' + GOOD_TEXT,
  'errors that name an earlier line': times(390, 'def g(): 1 = x' + times(100, ' ') + '\n'),
  'seven thousand definitions on a line': Array.from(
    { length: 7_000 },
    (_, i) => `a${i}=${i}`,
  ).join(';'),
  'a million digits': 'x = ' + times(1_000_000, '7'),
  'a million characters in quotes': 'x = "' + times(1_000_000, 'a') + '"',
  'fences without end': times(200_000, '```\n'),
  'an open bracket and apostrophes': times(2_000, "I don't (know\n"),
};
