"""What CPython says: a program and its tests run in a process of their own, each test in turn, in one namespace."""
import io
import os
import pickle
import signal
import sys
import time

SECONDS = 2.0


def run(setup, solution, tests):
    """Statuses of the tests in order, up to the first that hangs: 'pass', 'fail' (an AssertionError) or 'error:Type'."""
    space = {"__name__": "solution"}
    try:
        exec(compile(setup, "<setup>", "exec"), space)
        exec(compile(solution, "<solution>", "exec"), space)
    except BaseException as error:
        return ["error:" + type(error).__name__] * len(tests)
    statuses = []
    for test in tests:
        try:
            exec(compile(test, "<test>", "exec"), space)
            statuses.append("pass")
        except AssertionError as error:
            # The program's own `assert` is an error of the program's.
            frames, at = [], error.__traceback__
            while at is not None:
                frames.append(at.tb_frame.f_code.co_filename)
                at = at.tb_next
            statuses.append("fail" if frames[-1] == "<test>" else "error:AssertionError")
        except BaseException as error:
            statuses.append("error:" + type(error).__name__)
    return statuses


def verdict(setup, solution, tests):
    """The statuses, from a child that is killed when its time is over."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        sys.stdout = sys.stderr = io.StringIO()
        sys.stdin = io.StringIO("")
        try:
            data = pickle.dumps(run(setup, solution, tests))
        except BaseException:
            data = pickle.dumps(["error:Exception"] * len(tests))
        os.write(write, data)
        os._exit(0)
    os.close(write)
    end = time.monotonic() + SECONDS
    data = b""
    try:
        os.set_blocking(read, False)
        while time.monotonic() < end:
            try:
                part = os.read(read, 1 << 16)
                data += part
                if not part:
                    break
            except BlockingIOError:
                time.sleep(0.001)
        if not data:
            return ["timeout"] * len(tests)
        return pickle.loads(data)
    finally:
        os.close(read)
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.waitpid(child, 0)
