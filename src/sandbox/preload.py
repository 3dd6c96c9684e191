# Imported before the memory image is taken, so that a program's own import costs nothing.
import abc, array, ast, bisect, calendar, cmath, collections, collections.abc, contextlib, copy, dataclasses, datetime
import decimal, enum, fractions, functools, heapq, importlib, inspect, io, itertools, json, math, numbers, operator, queue
import random, re, statistics, string, sys, textwrap, threading, time, traceback, types, typing, unicodedata

del abc, array, ast, bisect, calendar, cmath, collections, contextlib, copy, dataclasses, datetime
del decimal, enum, fractions, functools, heapq, importlib, inspect, io, itertools, json, math, numbers, operator, queue
del random, re, statistics, string, sys, textwrap, threading, time, traceback, types, typing, unicodedata
