"""Decodes src/sandbox/value.ts' wire form. Put in front of harness.py and splitter.py: both take plain values."""


def make_decode():
    # The program may replace builtins; its arguments are still made of the real ones.
    from builtins import Ellipsis, bool, bytearray, bytes, complex, dict, float, frozenset, int, iter, list, range, set, tuple

    sequences = {"l": list, "t": tuple, "S": set, "F": frozenset}

    def decode(node):
        tag = node[0]
        if tag == "i":
            return int(node[1], 16)
        if tag == "s":
            return node[1]
        if tag == "f":
            return float(node[1])
        if tag in sequences:
            return sequences[tag]([decode(i) for i in node[1]])
        if tag == "b":
            return bool(node[1])
        if tag == "n":
            return None
        if tag == "c":
            return complex(float(node[1]), float(node[2]))
        if tag == "y":
            return bytes.fromhex(node[1])
        if tag == "Y":
            return bytearray.fromhex(node[1])
        if tag == "r":
            return range(int(node[1], 16), int(node[2], 16), int(node[3], 16))
        if tag == "e":
            return Ellipsis
        if tag == "d":
            return dict([(decode(k), decode(v)) for k, v in node[1]])
        if tag == "g":
            return iter([decode(i) for i in node[1]])
        raise ValueError("there is no value with the tag %r" % tag)

    return decode
