"""What the tests of a process asked for, kept until they are over and then written to LCLQ_RECORDED."""

import collections
import json
import os
import pathlib

# item -> tests; an item is a tuple such as ("parameter", "SendMessage", "MessageBody").
seen = collections.defaultdict(set)


def note(*item):
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
    if test:
        seen[item].add(test.partition("[")[0])


def pytest_sessionfinish():
    """Writes it. Not when the process exits: pytest-xdist kills workers that take long to do so."""
    where = os.environ.get("LCLQ_RECORDED")
    if where and seen:
        rows = sorted([*item, sorted(tests)] for item, tests in seen.items())
        pathlib.Path(where, f"{os.getpid()}.json").write_text(json.dumps(rows))
