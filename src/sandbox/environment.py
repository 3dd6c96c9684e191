"""What a program finds around it that the sandbox's interpreter has not of itself; and which errors are the sandbox's own.

`make_environment()` gives `(settle, blame)`: `settle()` puts things in place before a program; `blame(error)` is the sentence that
names what the sandbox lacks, or None.
"""


def make_environment():
    import asyncio
    import sys
    import time
    from asyncio import base_events, events, runners
    from builtins import (
        AttributeError, ModuleNotFoundError, OSError, OverflowError, RecursionError, RuntimeError, ValueError, any, getattr,
        isinstance, min, str, type,
    )  # fmt: skip

    # Pyodide's event loop, run() and sleep() need JavaScript, and come back with each boot from an image.
    sleep = getattr(time.sleep, "__wrapped__", time.sleep)
    run = runners.run

    class Clock:
        """Stands for a selector: there is nothing to wait for but time."""

        def select(self, timeout):
            sleep(3600 if timeout is None else timeout)
            return []

        def close(self):
            pass

    class Loop(base_events.BaseEventLoop):
        def __init__(self):
            super().__init__()
            self._selector = Clock()

        def _process_events(self, events):
            pass

        def _write_to_self(self):
            pass

    class Policy(events.BaseDefaultEventLoopPolicy):
        _loop_factory = Loop

    policy = Policy()

    def settle():
        events._set_running_loop(None)
        asyncio.set_event_loop_policy(policy)
        asyncio.run = run
        time.sleep = sleep

    # Programs use it as infinity. What is really limited by it says so: see below.
    sys.maxsize = 2**63 - 1

    # Of CPython 3.11, 3.12 and 3.13.
    library = sys.stdlib_module_names | set(
        "aifc asynchat asyncore audioop cgi cgitb chunk crypt distutils imghdr imp lib2to3 mailcap msilib nis nntplib "
        "ossaudiodev pipes smtpd sndhdr spwd sunau telnetlib uu xdrlib".split()
    )
    PROCESSES = {"forkpty", "posix_spawn", "posix_spawnp", "spawnv", "spawnve"}
    ENOSYS, EROFS = 52, 69
    NARROW = ("C ssize_t", "C long", "C int", "sys.maxsize", "cannot fit 'int' into an index-sized integer")

    def frames(error):
        n = 0
        at = error.__traceback__
        while at is not None:
            n += 1
            at = at.tb_next
        return n

    def blame(error):
        message = str(error)
        if isinstance(error, RuntimeError) and message == "can't start new thread":
            return "The sandbox has no threads."
        if isinstance(error, OSError) and message.endswith("does not support processes."):
            return "The sandbox starts no processes."
        if isinstance(error, OSError) and (error.errno == EROFS or "No usable temporary directory" in message):
            return "The sandbox has no folder to write to."
        if isinstance(error, OSError) and error.errno == ENOSYS:
            return "The sandbox's system has not this function."
        if isinstance(error, AttributeError) and getattr(error.obj, "__name__", "") in ("os", "posix") and error.name in PROCESSES:
            return "The sandbox starts no processes."
        if type(error).__name__ == "ZoneInfoNotFoundError":
            return "The sandbox has no time zone database."
        if isinstance(error, ModuleNotFoundError) and str(error.name).partition(".")[0] in library:
            return "The sandbox's Python has no module %s." % error.name
        if isinstance(error, (OverflowError, ValueError)) and any(text in message for text in NARROW):
            return "The sandbox's Python is a 32-bit build."
        if isinstance(error, RecursionError) and 100 < frames(error) < min(sys.getrecursionlimit(), 1000) - 60:
            return "The sandbox's stack holds fewer levels of calls through C than CPython's."
        return None

    return settle, blame
