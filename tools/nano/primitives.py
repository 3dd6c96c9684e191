"""The primitives that starter problems and the pre-training corpus are composed of.

A primitive turns one typed value into another. Types are one letter:
    L list of ints   S string   W list of strings   I int   B bool   T tuple of ints   E set of ints
    D dict str->int  G dict int->int   P list of int pairs   Q two lists of ints (arguments only)

`noun` phrases wrap the phrase of their input, {X}; `verb` phrases act on "it". Several wordings are split by "|".
Code templates use {x} for the input expression and {k} for a constant. Kinds:
    map, filter   `code` is an element expression or a test on the element variable
    expr          `code` is an expression over {x}
    stmt          `code` is statements (joined by newline) that leave the result in {out}
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Primitive:
    """One operation: types, wordings, code and the slug used in function names."""

    name: str
    tin: str
    tout: str
    kind: str
    slug: str
    code: str
    nouns: tuple[str, ...]
    verbs: tuple[str, ...]
    constants: tuple[str, ...]

    @property
    def multi(self) -> bool:
        """True where the input expression is used more than once, so it must be a variable."""
        return self.kind == "expr" and self.code.count("{x}") > 1


TABLE: list[Primitive] = []


def _add(types: str, name: str, kind: str, slug: str, code: str, noun: str, verb: str, k: object = ()) -> None:
    constants = tuple(str(v) if isinstance(v, int) else repr(v) for v in k)  # type: ignore[attr-defined]
    TABLE.append(
        Primitive(name, types[0], types[1], kind, slug, code.replace('"', "'"), tuple(noun.split("|")), tuple(verb.split("|")), constants)
    )


SMALL = range(2, 7)
LETTERS = "aeiorstln"

# Lists of ints, element by element.
_add("LL", "square", "map", "squares", "x * x", "the squares of {X}|{X} with each number squared", "square each number|square every element")
_add("LL", "cube", "map", "cubes", "x ** 3", "the cubes of {X}|{X} with each number cubed", "cube each number|raise every element to the third power")
_add("LL", "double", "map", "doubled", "x * 2", "{X} with each number doubled|twice each number of {X}", "double each number|double every element")
_add("LL", "add_k", "map", "plus", "x + {k}", "{X} with {k} added to each number|{X} with every element increased by {k}", "add {k} to each number|increase every element by {k}", range(1, 10))
_add("LL", "sub_k", "map", "minus", "x - {k}", "{X} with {k} subtracted from each number|{X} with every element decreased by {k}", "subtract {k} from each number|decrease every element by {k}", range(1, 10))
_add("LL", "mul_k", "map", "times", "x * {k}", "{X} with each number multiplied by {k}|{X} scaled by {k}", "multiply each number by {k}|scale every element by {k}", range(3, 10))
_add("LL", "mod_k", "map", "remainders", "x % {k}", "the remainders of {X} when divided by {k}|{X} modulo {k}", "take the remainder of each number divided by {k}|take every element modulo {k}", range(3, 10))
_add("LL", "div_k", "map", "quotients", "x // {k}", "{X} with each number floor divided by {k}|the integer quotients of {X} by {k}", "floor divide each number by {k}|take the integer quotient of every element by {k}", SMALL)
_add("LL", "negate", "map", "negated", "-x", "{X} with each number negated|the negatives of {X}", "negate each number|flip the sign of every element")
_add("LL", "abs", "map", "abs", "abs(x)", "the absolute values of {X}|the magnitudes of {X}", "take the absolute value of each number|make every element non-negative by dropping its sign")
_add("LL", "cap_k", "map", "capped", "min(x, {k})", "{X} with each number capped at {k}|{X} with values above {k} replaced by {k}", "cap each number at {k}|replace values above {k} by {k}", range(3, 10))
_add("LL", "floor_k", "map", "raised", "max(x, {k})", "{X} with each number raised to at least {k}|{X} with values below {k} replaced by {k}", "raise each number to at least {k}|replace values below {k} by {k}", range(1, 8))
# Lists of ints, kept or dropped.
_add("LL", "even", "filter", "even", "x % 2 == 0", "the even numbers in {X}|the even elements of {X}", "keep only the even numbers|remove the odd numbers")
_add("LL", "odd", "filter", "odd", "x % 2 == 1", "the odd numbers in {X}|the odd elements of {X}", "keep only the odd numbers|remove the even numbers")
_add("LL", "positive", "filter", "positive", "x > 0", "the positive numbers in {X}|the elements of {X} above zero", "keep only the positive numbers|remove the numbers that are not positive")
_add("LL", "negative", "filter", "negative", "x < 0", "the negative numbers in {X}|the elements of {X} below zero", "keep only the negative numbers|remove the numbers that are not negative")
_add("LL", "nonzero", "filter", "nonzero", "x != 0", "the non-zero numbers in {X}|{X} without zeros", "remove the zeros|drop every zero")
_add("LL", "gt_k", "filter", "above", "x > {k}", "the numbers in {X} greater than {k}|the elements of {X} above {k}", "keep only the numbers greater than {k}|keep the elements above {k}", range(1, 10))
_add("LL", "lt_k", "filter", "below", "x < {k}", "the numbers in {X} less than {k}|the elements of {X} below {k}", "keep only the numbers less than {k}|keep the elements below {k}", range(2, 10))
_add("LL", "mult_k", "filter", "divisible", "x % {k} == 0", "the numbers in {X} divisible by {k}|the multiples of {k} in {X}", "keep only the numbers divisible by {k}|keep the multiples of {k}", range(3, 8))
_add("LL", "not_k", "filter", "without", "x != {k}", "{X} without the value {k}|the numbers in {X} different from {k}", "remove every {k}|drop the numbers equal to {k}", range(1, 10))
# Lists of ints, as a whole.
_add("LL", "sort", "expr", "sorted", "sorted({x})", "{X} in ascending order|{X} sorted", "sort the numbers in ascending order|sort the list")
_add("LL", "sort_desc", "expr", "descending", "sorted({x}, reverse=True)", "{X} in descending order|{X} sorted from largest to smallest", "sort the numbers in descending order|sort the list from largest to smallest")
_add("LL", "reverse", "expr", "reversed", "{x}[::-1]", "{X} in reverse order|{X} reversed", "reverse the list|reverse the order of the numbers")
_add("LL", "dedupe", "expr", "unique", "list(dict.fromkeys({x}))", "the distinct numbers in {X} in order|{X} without duplicates", "remove duplicates, keeping the order|keep the first occurrence of each number")
_add("LL", "take_k", "expr", "first", "{x}[:{k}]", "the first {k} numbers of {X}|the leading {k} elements of {X}", "take the first {k} numbers|keep the leading {k} elements", range(2, 5))
_add("LL", "last_k", "expr", "last", "{x}[-{k}:]", "the last {k} numbers of {X}|the trailing {k} elements of {X}", "take the last {k} numbers|keep the trailing {k} elements", range(2, 5))
_add("LL", "tail", "expr", "rest", "{x}[1:]", "{X} without the first number|all but the first element of {X}", "drop the first number|skip the first element")
_add("LL", "init", "expr", "head", "{x}[:-1]", "{X} without the last number|all but the last element of {X}", "drop the last number|leave out the last element")
_add("LL", "every_2", "expr", "alternate", "{x}[::2]", "every second number of {X}|the elements of {X} at even indices", "take every second number|keep the elements at even indices")
_add("LL", "odd_index", "expr", "odd_index", "{x}[1::2]", "the numbers of {X} at odd indices|the elements of {X} at odd positions", "take the numbers at odd indices|keep the elements at odd positions")
_add("LL", "twice", "expr", "repeated", "{x} * 2", "{X} repeated twice|two copies of {X} in a row", "repeat the list twice|append a copy of the list")
_add("LL", "mirror", "expr", "mirrored", "{x} + {x}[::-1]", "{X} followed by its reverse|{X} mirrored", "append the reverse of the list|mirror the list")
_add("LL", "rotate", "expr", "rotated", "{x}[1:] + {x}[:1]", "{X} rotated left by one|{X} with the first number moved to the end", "rotate the list left by one|move the first number to the end")
_add("LL", "diffs", "expr", "differences", "[b - a for a, b in zip({x}, {x}[1:])]", "the differences between neighbours in {X}|the consecutive differences of {X}", "take the differences between neighbours|compute consecutive differences")
_add("LL", "pair_sums", "expr", "neighbour_sums", "[a + b for a, b in zip({x}, {x}[1:])]", "the sums of neighbours in {X}|the sums of adjacent numbers of {X}", "add up each pair of neighbours|sum adjacent numbers")
_add("LL", "running", "expr", "running", "[sum({x}[:i + 1]) for i in range(len({x}))]", "the running totals of {X}|the cumulative sums of {X}", "take the running totals|compute the cumulative sums")
_add("LL", "no_max", "expr", "without_max", "[x for x in {x} if x != max({x})]", "{X} without its maximum|the numbers in {X} other than the largest", "remove the maximum|drop the largest value")
_add("LL", "no_min", "expr", "without_min", "[x for x in {x} if x != min({x})]", "{X} without its minimum|the numbers in {X} other than the smallest", "remove the minimum|drop the smallest value")
_add("LL", "repeats", "expr", "repeats", "[x for x in {x} if {x}.count(x) > 1]", "the numbers that occur more than once in {X}|the repeated numbers of {X}", "keep only the numbers that occur more than once|keep the repeated numbers")
_add("LL", "times_index", "expr", "weighted", "[i * x for i, x in enumerate({x})]", "{X} with each number multiplied by its index|the products of index and value in {X}", "multiply each number by its index|scale every element by its position")
# Lists of ints to one value.
_add("LI", "sum", "expr", "sum", "sum({x})", "the sum of {X}|the total of {X}", "add them up|sum the numbers")
_add("LI", "max", "expr", "max", "max({x})", "the largest of {X}|the maximum of {X}", "find the largest|take the maximum")
_add("LI", "min", "expr", "min", "min({x})", "the smallest of {X}|the minimum of {X}", "find the smallest|take the minimum")
_add("LI", "count", "expr", "count", "len({x})", "the number of elements in {X}|how many numbers there are in {X}", "count them|count the numbers")
_add("LI", "product", "stmt", "product", "{out} = 1\nfor x in {x}:\n    {out} *= x", "the product of {X}|the result of multiplying {X} together", "multiply them together|take the product")
_add("LI", "first", "expr", "first", "{x}[0]", "the first of {X}|the first element of {X}", "take the first element|pick the first one")
_add("LI", "last", "expr", "last", "{x}[-1]", "the last of {X}|the last element of {X}", "take the last element|pick the last one")
_add("LI", "spread", "expr", "range", "max({x}) - min({x})", "the difference between the largest and smallest of {X}|the range of {X}", "subtract the smallest from the largest|take the range")
_add("LI", "mean", "expr", "mean", "sum({x}) // len({x})", "the integer average of {X}|the floored mean of {X}", "take the integer average|find the floored mean")
_add("LI", "second_max", "expr", "second_largest", "sorted({x})[-2]", "the second largest of {X}|the second highest number in {X}", "find the second largest|take the second highest")
_add("LI", "second_min", "expr", "second_smallest", "sorted({x})[1]", "the second smallest of {X}|the second lowest number in {X}", "find the second smallest|take the second lowest")
_add("LI", "median", "expr", "middle", "{x}[len({x}) // 2]", "the middle element of {X}|the element in the middle of {X}", "take the middle element|pick the one in the middle")
_add("LI", "mode", "expr", "most_common", "max({x}, key={x}.count)", "the most common number in {X}|the most frequent element of {X}", "find the most common number|take the most frequent element")
_add("LI", "argmax", "expr", "max_index", "{x}.index(max({x}))", "the index of the largest of {X}|the position of the maximum of {X}", "find the index of the largest|find the position of the maximum")
_add("LI", "argmin", "expr", "min_index", "{x}.index(min({x}))", "the index of the smallest of {X}|the position of the minimum of {X}", "find the index of the smallest|find the position of the minimum")
_add("LI", "count_k", "expr", "occurrences", "{x}.count({k})", "the number of times {k} occurs in {X}|how often {k} appears in {X}", "count how often {k} occurs|count the occurrences of {k}", range(1, 7))
_add("LB", "has_k", "expr", "contains", "{k} in {x}", "whether {k} is in {X}|whether {X} contain {k}", "check whether {k} is there|test if {k} occurs", range(1, 7))
_add("LB", "is_sorted", "expr", "is_sorted", "{x} == sorted({x})", "whether {X} are in ascending order|whether {X} are sorted", "check whether the list is sorted|test if the order is ascending")
_add("LB", "has_dup", "expr", "has_duplicates", "len({x}) != len(set({x}))", "whether {X} contain duplicates|whether any number repeats in {X}", "check for duplicates|test if any number repeats")
_add("LB", "is_mirror", "expr", "is_palindrome", "{x} == {x}[::-1]", "whether {X} read the same backwards|whether {X} form a palindrome", "check whether it reads the same backwards|test if it is a palindrome")
# Lists of ints to other collections.
_add("LT", "tuple", "expr", "tuple", "tuple({x})", "{X} as a tuple|a tuple of {X}", "convert the list to a tuple|make a tuple")
_add("LT", "min_max", "expr", "min_max", "(min({x}), max({x}))", "the smallest and the largest of {X} as a tuple|a tuple of the minimum and maximum of {X}", "return the smallest and the largest as a tuple|make a tuple of the minimum and maximum")
_add("LT", "ends", "expr", "ends", "({x}[0], {x}[-1])", "the first and the last of {X} as a tuple|a tuple of the first and last elements of {X}", "return the first and the last as a tuple|make a tuple of the first and last elements")
_add("LE", "set", "expr", "set", "set({x})", "the set of {X}|{X} as a set", "convert the list to a set|make a set")
_add("LG", "freq", "expr", "frequencies", "{{x: {x}.count(x) for x in {x}}}", "a dictionary counting each number in {X}|the frequencies of {X} as a dictionary", "count each number in a dictionary|map each number to its frequency")
_add("LG", "index_map", "expr", "indexed", "dict(enumerate({x}))", "a dictionary from index to value of {X}|{X} keyed by index", "map each index to its value in a dictionary|key the numbers by index")
_add("LW", "strs", "expr", "strings", "[str(x) for x in {x}]", "{X} converted to strings|the strings of {X}", "convert each number to a string|turn every element into a string")
_add("LP", "pairs", "expr", "pairs", "list(zip({x}, {x}[1:]))", "the pairs of neighbours in {X}|the adjacent pairs of {X}", "pair each number with the next|form pairs of neighbours")
_add("LP", "enumerate", "expr", "enumerated", "list(enumerate({x}))", "the index and value pairs of {X}|{X} paired with their indices", "pair each number with its index|form index and value pairs")
# Two lists of ints.
_add("QL", "common", "expr", "common", "[x for x in xs if x in ys]", "the common numbers of {X}|the numbers shared by {X}", "keep the numbers of the first that are in the second|keep the common numbers")
_add("QL", "only_first", "expr", "difference", "[x for x in xs if x not in ys]", "the numbers only in the first of {X}|the numbers of the first but not the second of {X}", "keep the numbers of the first that are not in the second|remove from the first what is in the second")
_add("QL", "concat", "expr", "joined", "xs + ys", "{X} joined together|the concatenation of {X}", "join them into one list|concatenate the lists")
_add("QL", "zip_sum", "expr", "sums", "[x + y for x, y in zip(xs, ys)]", "the element-wise sums of {X}|the sums of corresponding elements of {X}", "add corresponding elements|add the lists element by element")
_add("QL", "zip_mul", "expr", "products", "[x * y for x, y in zip(xs, ys)]", "the element-wise products of {X}|the products of corresponding elements of {X}", "multiply corresponding elements|multiply the lists element by element")
_add("QL", "zip_max", "expr", "maxima", "[max(x, y) for x, y in zip(xs, ys)]", "the larger of corresponding elements of {X}|the element-wise maxima of {X}", "take the larger of corresponding elements|take the element-wise maxima")
_add("QL", "union", "expr", "union", "sorted(set(xs) | set(ys))", "the sorted union of {X}|the distinct numbers of {X} in order", "form the sorted union|merge them into a sorted list without duplicates")
_add("QP", "zip", "expr", "zipped", "list(zip(xs, ys))", "the pairs of corresponding elements of {X}|{X} zipped together", "pair corresponding elements|zip the lists")
# Strings.
_add("SS", "upper", "expr", "upper", "{x}.upper()", "{X} in upper case|{X} with all letters capitalized", "convert it to upper case|make all letters upper case")
_add("SS", "lower", "expr", "lower", "{x}.lower()", "{X} in lower case|{X} with all letters small", "convert it to lower case|make all letters lower case")
_add("SS", "title", "expr", "title", "{x}.title()", "{X} in title case|{X} with each word capitalized", "convert it to title case|capitalize each word")
_add("SS", "swapcase", "expr", "swapped", "{x}.swapcase()", "{X} with the case of letters swapped|{X} with upper and lower case exchanged", "swap the case of letters|exchange upper and lower case")
_add("SS", "s_reverse", "expr", "reversed", "{x}[::-1]", "{X} reversed|{X} spelled backwards", "reverse it|spell it backwards")
_add("SS", "no_vowels", "filter", "no_vowels", 'c.lower() not in "aeiou"', "{X} without vowels|{X} with the vowels removed", "remove the vowels|drop every vowel")
_add("SS", "vowels", "filter", "vowels", 'c.lower() in "aeiou"', "the vowels of {X}|only the vowels in {X}", "keep only the vowels|remove everything but vowels")
_add("SS", "no_spaces", "expr", "no_spaces", '{x}.replace(" ", "")', "{X} without spaces|{X} with the spaces removed", "remove the spaces|drop all spaces")
_add("SS", "dashes", "expr", "dashed", '{x}.replace(" ", "-")', "{X} with spaces replaced by dashes|{X} with dashes for spaces", "replace spaces by dashes|put dashes for spaces")
_add("SS", "drop_c", "expr", "removed", '{x}.replace({k}, "")', "{X} without the letter {k}|{X} with every {k} removed", "remove every {k}|drop the letter {k}", LETTERS)
_add("SS", "star_c", "expr", "masked", '{x}.replace({k}, "*")', "{X} with {k} replaced by a star|{X} with each {k} masked by a star", "replace {k} by a star|mask each {k} by a star", LETTERS)
_add("SS", "uppers", "filter", "capitals", "c.isupper()", "the upper case letters of {X}|only the capital letters in {X}", "keep only the upper case letters|keep the capital letters")
_add("SS", "letters", "filter", "letters", "c.isalpha()", "the letters of {X}|{X} without anything but letters", "keep only the letters|remove what is not a letter")
_add("SS", "digits_only", "filter", "digits", "c.isdigit()", "the digit characters of {X}|only the digit characters in {X}", "keep only the digit characters|remove what is not a digit")
_add("SS", "s_take", "expr", "prefix", "{x}[:{k}]", "the first {k} characters of {X}|the prefix of length {k} of {X}", "take the first {k} characters|keep the prefix of length {k}", range(2, 6))
_add("SS", "s_last", "expr", "suffix", "{x}[-{k}:]", "the last {k} characters of {X}|the suffix of length {k} of {X}", "take the last {k} characters|keep the suffix of length {k}", range(2, 6))
_add("SS", "s_tail", "expr", "without_first", "{x}[1:]", "{X} without its first character|all but the first character of {X}", "drop the first character|remove the first character")
_add("SS", "s_init", "expr", "without_last", "{x}[:-1]", "{X} without its last character|all but the last character of {X}", "drop the last character|remove the last character")
_add("SS", "s_every_2", "expr", "alternate", "{x}[::2]", "every second character of {X}|the characters of {X} at even indices", "take every second character|keep the characters at even indices")
_add("SS", "s_repeat", "expr", "repeated", "{x} * {k}", "{X} repeated {k} times|{k} copies of {X} in a row", "repeat it {k} times|make {k} copies in a row", range(2, 4))
_add("SS", "s_mirror", "expr", "mirrored", "{x} + {x}[::-1]", "{X} followed by its reverse|{X} mirrored", "append its reverse|mirror it")
_add("SS", "stretch", "map", "stretched", "c * 2", "{X} with each character doubled|{X} with every character written twice", "double each character|write every character twice")
_add("SS", "s_sort", "expr", "sorted", '"".join(sorted({x}))', "the characters of {X} sorted|{X} with its characters in order", "sort the characters|put the characters in order")
_add("SS", "s_unique", "expr", "unique", '"".join(dict.fromkeys({x}))', "{X} without repeated characters|the distinct characters of {X}", "remove repeated characters|keep the first occurrence of each character")
_add("SI", "s_len", "expr", "length", "len({x})", "the length of {X}|the number of characters in {X}", "count the characters|take the length")
_add("SI", "count_c", "expr", "count", "{x}.count({k})", "the number of times {k} occurs in {X}|how often {k} appears in {X}", "count how often {k} occurs|count the occurrences of {k}", LETTERS)
_add("SB", "palindrome", "expr", "is_palindrome", "{x} == {x}[::-1]", "whether {X} is a palindrome|whether {X} reads the same backwards", "check whether it is a palindrome|test if it reads the same backwards")
_add("SB", "starts_c", "expr", "starts_with", "{x}.startswith({k})", "whether {X} starts with {k}|whether {X} begins with the letter {k}", "check whether it starts with {k}|test if it begins with the letter {k}", LETTERS)
_add("SB", "has_c", "expr", "contains", "{k} in {x}", "whether {X} contains {k}|whether {k} occurs in {X}", "check whether it contains {k}|test if {k} occurs", LETTERS)
_add("SW", "split", "expr", "words", "{x}.split()", "the words of {X}|the list of words in {X}", "split it into words|break it into words")
_add("SW", "chars", "expr", "characters", "list({x})", "the list of characters of {X}|{X} as a list of characters", "split it into characters|make a list of its characters")
_add("SL", "digit_list", "expr", "digits", "[int(c) for c in {x} if c.isdigit()]", "the digits in {X} as integers|the list of digits of {X}", "collect its digits as integers|make a list of its digits")
_add("SD", "char_counts", "expr", "char_counts", "{{c: {x}.count(c) for c in {x}}}", "a dictionary counting each character of {X}|the character counts of {X}", "count each character in a dictionary|map each character to its count")
# Lists of strings.
_add("WW", "w_sort", "expr", "sorted", "sorted({x})", "{X} in alphabetical order|{X} sorted alphabetically", "sort the words alphabetically|put the words in alphabetical order")
_add("WW", "by_len", "expr", "by_length", "sorted({x}, key=len)", "{X} sorted by length|{X} ordered from shortest to longest", "sort the words by length|order the words from shortest to longest")
_add("WW", "w_reverse", "expr", "reversed", "{x}[::-1]", "{X} in reverse order|{X} with the order of words reversed", "reverse the order of the words|reverse the list of words")
_add("WW", "w_dedupe", "expr", "unique", "list(dict.fromkeys({x}))", "{X} without repeated words|the distinct words among {X}", "remove repeated words|keep the first occurrence of each word")
_add("WW", "w_take", "expr", "first", "{x}[:{k}]", "the first {k} words of {X}|the leading {k} words of {X}", "take the first {k} words|keep the leading {k} words", range(2, 4))
_add("WW", "w_tail", "expr", "rest", "{x}[1:]", "{X} without the first word|all but the first word of {X}", "drop the first word|skip the first word")
_add("WW", "w_every_2", "expr", "alternate", "{x}[::2]", "every second word of {X}|the words of {X} at even indices", "take every second word|keep the words at even indices")
_add("WW", "w_upper", "map", "upper", "w.upper()", "{X} in upper case|{X} with each word in upper case", "convert each word to upper case|make every word upper case")
_add("WW", "w_cap", "map", "capitalized", "w.capitalize()", "{X} with each word capitalized|the capitalized words of {X}", "capitalize each word|make every word start with a capital")
_add("WW", "w_rev", "map", "reversed_words", "w[::-1]", "{X} with each word reversed|the words of {X} spelled backwards", "reverse each word|spell every word backwards")
_add("WW", "w_first", "map", "initials", "w[0]", "the first letters of {X}|the initials of {X}", "take the first letter of each word|take the initials")
_add("WW", "w_last", "map", "last_letters", "w[-1]", "the last letters of {X}|the final letters of {X}", "take the last letter of each word|take the final letters")
_add("WW", "w_prefix", "map", "prefixes", "w[:{k}]", "the first {k} letters of each of {X}|{X} cut to {k} letters", "cut each word to {k} letters|take the first {k} letters of each word", range(2, 4))
_add("WW", "w_long", "filter", "long", "len(w) > {k}", "the words longer than {k} letters in {X}|the words with more than {k} letters among {X}", "keep the words longer than {k} letters|keep only words with more than {k} letters", range(2, 6))
_add("WW", "w_short", "filter", "short", "len(w) < {k}", "the words shorter than {k} letters in {X}|the words with fewer than {k} letters among {X}", "keep the words shorter than {k} letters|keep only words with fewer than {k} letters", range(4, 7))
_add("WW", "w_even", "filter", "even_length", "len(w) % 2 == 0", "the words of even length in {X}|the words with an even number of letters among {X}", "keep the words of even length|keep only words with an even number of letters")
_add("WW", "w_starts", "filter", "starting", "w.startswith({k})", "the words starting with {k} in {X}|the words among {X} that begin with {k}", "keep the words starting with {k}|keep only words that begin with {k}", "abcdfgmprst")
_add("WW", "w_has", "filter", "containing", "{k} in w", "the words containing {k} in {X}|the words among {X} that contain {k}", "keep the words containing {k}|keep only words that contain {k}", LETTERS)
_add("WW", "w_lacks", "filter", "lacking", "{k} not in w", "the words without {k} in {X}|the words among {X} that lack {k}", "remove the words containing {k}|keep only words that lack {k}", LETTERS)
_add("WL", "lengths", "expr", "lengths", "[len(w) for w in {x}]", "the lengths of {X}|the word lengths of {X}", "take the length of each word|replace every word by its length")
_add("WI", "w_count", "expr", "count", "len({x})", "the number of words in {X}|how many words there are in {X}", "count the words|count them")
_add("WS", "join", "expr", "joined", '"".join({x})', "{X} joined together|the concatenation of {X}", "join them into one string|concatenate the words")
_add("WS", "join_space", "expr", "sentence", '" ".join({x})', "{X} joined by spaces|{X} joined with a space between", "join them with spaces|join the words by spaces")
_add("WS", "join_dash", "expr", "dashed", '"-".join({x})', "{X} joined by dashes|{X} joined with a dash between", "join them with dashes|join the words by dashes")
_add("WS", "longest", "expr", "longest", "max({x}, key=len)", "the longest of {X}|the longest word of {X}", "find the longest word|take the longest word")
_add("WS", "shortest", "expr", "shortest", "min({x}, key=len)", "the shortest of {X}|the shortest word of {X}", "find the shortest word|take the shortest word")
_add("WS", "w_min", "expr", "alphabetical_first", "min({x})", "the alphabetically first of {X}|the word of {X} that comes first in the alphabet", "take the alphabetically first word|find the word that comes first in the alphabet")
_add("WS", "w_head", "expr", "first_word", "{x}[0]", "the first of {X}|the first word of {X}", "take the first word|pick the first word")
_add("WS", "w_end", "expr", "last_word", "{x}[-1]", "the last of {X}|the last word of {X}", "take the last word|pick the last word")
_add("WD", "len_map", "expr", "length_map", "{{w: len(w) for w in {x}}}", "a dictionary from {X} to their lengths|the lengths of {X} as a dictionary", "map each word to its length in a dictionary|build a dictionary of word lengths")
_add("WD", "w_counts", "expr", "word_counts", "{{w: {x}.count(w) for w in {x}}}", "a dictionary counting each of {X}|the word counts of {X}", "count each word in a dictionary|map each word to its count")
# Ints.
_add("IL", "range_n", "expr", "range", "list(range(1, {x} + 1))", "the numbers from 1 to {X}|the integers from 1 up to {X}", "list the numbers from 1 to it|list the integers from 1 up to it")
_add("IL", "countdown", "expr", "countdown", "list(range({x}, 0, -1))", "the numbers from {X} down to 1|the countdown from {X} to 1", "count down from it to 1|list the numbers from it down to 1")
_add("IL", "divisors", "expr", "divisors", "[i for i in range(1, {x} + 1) if {x} % i == 0]", "the divisors of {X}|the list of divisors of {X}", "list its divisors|find all its divisors")
_add("IL", "digits", "expr", "digits", "[int(c) for c in str({x})]", "the digits of {X}|the list of digits of {X}", "split it into digits|list its digits")
_add("IL", "table", "expr", "multiples", "[{x} * i for i in range(1, {k})]", "the multiples of {X} by 1 up to below {k}|the products of {X} with 1 up to below {k}", "list its multiples by 1 up to below {k}|multiply it by each of 1 up to below {k}", range(4, 8))
_add("II", "i_square", "expr", "square", "{x} ** 2", "the square of {X}|{X} squared", "square it|multiply it by itself")
_add("II", "i_double", "expr", "double", "{x} * 2", "twice {X}|the double of {X}", "double it|multiply it by two")
_add("II", "i_add", "expr", "plus", "{x} + {k}", "{X} plus {k}|{X} increased by {k}", "add {k} to it|increase it by {k}", range(1, 10))
_add("II", "i_mul", "expr", "times", "{x} * {k}", "{X} times {k}|{X} multiplied by {k}", "multiply it by {k}|scale it by {k}", range(3, 10))
_add("II", "i_mod", "expr", "modulo", "{x} % {k}", "{X} modulo {k}|the remainder of {X} divided by {k}", "take it modulo {k}|take its remainder when divided by {k}", range(3, 10))
_add("II", "i_half", "expr", "half", "{x} // 2", "half of {X} rounded down|the integer half of {X}", "halve it, rounding down|take its integer half")
_add("IB", "is_even", "expr", "is_even", "{x} % 2 == 0", "whether {X} is even|whether {X} is divisible by two", "check whether it is even|test if it is divisible by two")
_add("IB", "is_odd", "expr", "is_odd", "{x} % 2 == 1", "whether {X} is odd|whether {X} is not divisible by two", "check whether it is odd|test if it is not divisible by two")
_add("IB", "is_gt", "expr", "exceeds", "{x} > {k}", "whether {X} is greater than {k}|whether {X} exceeds {k}", "check whether it is greater than {k}|test if it exceeds {k}", range(3, 13))
_add("IS", "i_str", "expr", "text", "str({x})", "{X} as a string|the decimal string of {X}", "convert it to a string|write it as a string")
_add("IS", "binary", "expr", "binary", "bin({x})[2:]", "the binary digits of {X} as a string|{X} written in binary", "write it in binary|convert it to a binary string")
# Dictionaries.
_add("DL", "values", "expr", "values", "list({x}.values())", "the values of {X}|the list of values in {X}", "take the values|list its values")
_add("DW", "keys", "expr", "keys", "list({x})", "the keys of {X}|the list of keys in {X}", "take the keys|list its keys")
_add("DI", "d_len", "expr", "size", "len({x})", "the number of entries in {X}|the size of {X}", "count its entries|take its size")
_add("DS", "d_best", "expr", "best_key", "max({x}, key={x}.get)", "the key with the largest value in {X}|the key of {X} whose value is highest", "find the key with the largest value|take the key whose value is highest")
_add("DS", "d_worst", "expr", "worst_key", "min({x}, key={x}.get)", "the key with the smallest value in {X}|the key of {X} whose value is lowest", "find the key with the smallest value|take the key whose value is lowest")
_add("DD", "d_gt", "expr", "filtered", "{{k: v for k, v in {x}.items() if v > {k}}}", "the entries of {X} with a value above {k}|{X} restricted to values greater than {k}", "keep the entries with a value above {k}|drop entries whose value is not greater than {k}", range(1, 8))
_add("DD", "d_lt", "expr", "small_entries", "{{k: v for k, v in {x}.items() if v < {k}}}", "the entries of {X} with a value below {k}|{X} restricted to values less than {k}", "keep the entries with a value below {k}|drop entries whose value is not less than {k}", range(3, 9))
_add("DD", "d_add", "expr", "raised", "{{k: v + {k} for k, v in {x}.items()}}", "{X} with {k} added to each value|{X} with every value increased by {k}", "add {k} to each value|increase every value by {k}", range(1, 8))
_add("DD", "d_double", "expr", "doubled", "{{k: v * 2 for k, v in {x}.items()}}", "{X} with each value doubled|{X} with doubled values", "double each value|multiply every value by two")
_add("DD", "d_upper", "expr", "upper_keys", "{{k.upper(): v for k, v in {x}.items()}}", "{X} with keys in upper case|{X} with upper case keys", "convert the keys to upper case|make every key upper case")
_add("DG", "d_swap", "expr", "inverted", "{{v: len(k) for k, v in {x}.items()}}", "a dictionary from the values of {X} to the lengths of their keys|{X} turned into value to key length", "map each value to the length of its key|replace entries by value and key length")
_add("GL", "g_keys", "expr", "keys", "list({x})", "the keys of {X}|the list of keys in {X}", "take the keys|list its keys")
_add("GL", "g_values", "expr", "values", "list({x}.values())", "the values of {X}|the list of values in {X}", "take the values|list its values")
_add("GP", "g_items", "expr", "items", "sorted({x}.items())", "the sorted items of {X}|the entries of {X} as a sorted list of pairs", "list its items in order|turn it into a sorted list of pairs")
_add("GG", "g_gt", "expr", "filtered", "{{k: v for k, v in {x}.items() if v > {k}}}", "the entries of {X} with a value above {k}|{X} restricted to values greater than {k}", "keep the entries with a value above {k}|drop entries whose value is not greater than {k}", range(1, 4))
_add("GI", "g_len", "expr", "size", "len({x})", "the number of entries in {X}|the size of {X}", "count its entries|take its size")
# Pairs, tuples and sets.
_add("PL", "firsts", "expr", "firsts", "[a for a, b in {x}]", "the first items of {X}|the first components of {X}", "take the first item of each pair|keep the first components")
_add("PL", "seconds", "expr", "seconds", "[b for a, b in {x}]", "the second items of {X}|the second components of {X}", "take the second item of each pair|keep the second components")
_add("PL", "p_sums", "expr", "pair_sums", "[a + b for a, b in {x}]", "the sums of {X}|the sum of each of {X}", "add up each pair|replace each pair by its sum")
_add("PL", "p_prods", "expr", "pair_products", "[a * b for a, b in {x}]", "the products of {X}|the product of each of {X}", "multiply out each pair|replace each pair by its product")
_add("PL", "p_max", "expr", "pair_maxima", "[max(a, b) for a, b in {x}]", "the larger of each of {X}|the maximum of each of {X}", "take the larger of each pair|replace each pair by its maximum")
_add("PP", "p_swap", "expr", "swapped", "[(b, a) for a, b in {x}]", "{X} with each pair swapped|{X} with first and second exchanged", "swap each pair|exchange first and second in each pair")
_add("PP", "by_second", "expr", "by_second", "sorted({x}, key=lambda p: p[1])", "{X} sorted by the second item|{X} ordered by second component", "sort the pairs by the second item|order the pairs by second component")
_add("PP", "rising", "expr", "rising", "[(a, b) for a, b in {x} if a < b]", "the pairs among {X} whose first item is smaller|those of {X} with first less than second", "keep the pairs whose first item is smaller|keep pairs with first less than second")
_add("PI", "p_len", "expr", "count", "len({x})", "the number of pairs in {X}|how many pairs there are in {X}", "count the pairs|count them")
_add("PG", "p_dict", "expr", "dictionary", "dict({x})", "{X} as a dictionary|a dictionary made from {X}", "convert the pairs to a dictionary|make a dictionary")
_add("TL", "t_list", "expr", "list", "list({x})", "{X} as a list|a list of the elements of {X}", "convert it to a list|make a list")
_add("TI", "t_sum", "expr", "sum", "sum({x})", "the sum of {X}|the total of {X}", "add up its elements|sum its elements")
_add("TI", "t_max", "expr", "max", "max({x})", "the largest element of {X}|the maximum of {X}", "find its largest element|take its maximum")
_add("TI", "t_len", "expr", "length", "len({x})", "the length of {X}|the number of elements in {X}", "take its length|count its elements")
_add("TT", "t_reverse", "expr", "reversed", "{x}[::-1]", "{X} reversed|{X} in reverse order", "reverse the tuple|reverse its order")
_add("TT", "t_sort", "expr", "sorted", "tuple(sorted({x}))", "{X} sorted|{X} in ascending order", "sort the tuple|put its elements in ascending order")
_add("TT", "t_tail", "expr", "rest", "{x}[1:]", "{X} without its first element|all but the first element of {X}", "drop its first element|skip the first element")
_add("TE", "t_set", "expr", "set", "set({x})", "the set of elements of {X}|{X} as a set", "convert it to a set|make a set")
_add("EL", "e_sorted", "expr", "sorted_set", "sorted({x})", "the sorted list of {X}|{X} as a sorted list", "turn the set into a sorted list|list its elements in order")
_add("EI", "e_len", "expr", "distinct_count", "len({x})", "the size of {X}|the number of elements in {X}", "count its elements|take its size")
_add("EI", "e_sum", "expr", "set_sum", "sum({x})", "the sum of {X}|the total of {X}", "add up its elements|sum its elements")

BY_NAME = {p.name: p for p in TABLE}
assert len(BY_NAME) == len(TABLE), "two primitives share a name"
