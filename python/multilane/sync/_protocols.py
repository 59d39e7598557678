"""The hazards of threads as protocols: each in a version that fails and one that holds.

Text only; `Protocol.named` hands it out.
"""

from __future__ import annotations

_TWO_LOCKS = """\
lock accounts, journal
thread payer: with accounts: with journal: do pay
thread auditor: with {}: with {}: do audit
"""

_PHILOSOPHERS = """\
fair lock fork1, fork2, fork3
thread plato: loop: with fork1: with fork2: do eat
thread kant: loop: with fork2: with fork3: do eat
thread marx: loop: with {}: with {}: do eat
"""

_COUNTER = """\
section counter
lock guard
thread adder x 2: {}enter counter; do add; leave counter
"""

_READERS_WRITERS = """\
# As many permits as there are readers; a writer takes all of them.
semaphore permits = 2
{declare}
thread reader x 2:
    loop:
        {enter}acquire permits
        {leave}do read
        release permits
thread writer:
    loop:
        {enter}acquire permits 2
        {leave}do write
        release permits 2
"""

_QUEUE = """\
channel jobs{}
thread producer: loop: send jobs
thread consumer: loop: receive jobs; do work
"""

_FEEDBACK = """\
channel jobs[1], results[1]
daemon worker: loop: receive jobs; send results
"""

_HANDSHAKE = """\
semaphore ping = 0, pong = 0
thread left: {}
thread right: acquire ping; release pong
"""

_ACTORS = """\
channel questions_to_a[1], questions_to_b[1], answers_to_a[1], answers_to_b[1]
"""

_ASKS = """\
thread {me}:
    send questions_to_{other}
    receive answers_to_{me}
    receive questions_to_{me}
    send answers_to_{other}
"""

_ANSWERS_MEANWHILE = """\
thread {me}:
    send questions_to_{other}
    select:
        receive answers_to_{me}
        receive questions_to_{me}
        send answers_to_{other}
    or:
        receive questions_to_{me}
        send answers_to_{other}
        receive answers_to_{me}
"""

_WAKE_UP = """\
lock guard
event ready
condition changed of guard
thread signaller:
    acquire guard
    set ready
    notify changed
    release guard
"""

_PAIRS = (("a", "b"), ("b", "a"))

#: Name, the version that fails, and the one that holds.
PROTOCOLS: dict[str, tuple[str, str]] = {
    "two-locks": (_TWO_LOCKS.format("journal", "accounts"), _TWO_LOCKS.format("accounts", "journal")),
    "dining-philosophers": (_PHILOSOPHERS.format("fork3", "fork1"), _PHILOSOPHERS.format("fork1", "fork3")),
    "race": (_COUNTER.format(""), _COUNTER.format("with guard: ")),
    "mutex": (
        "lock door\nthread visitor x 2: loop: with door: do visit\n",
        "fair lock door\nthread visitor x 2: loop: with door: do visit\n",
    ),
    "readers-writers": (
        _READERS_WRITERS.format(declare="", enter="", leave=""),
        _READERS_WRITERS.format(declare="fair lock turn", enter="acquire turn; ", leave="release turn; "),
    ),
    "producer-consumer": (_QUEUE.format(""), _QUEUE.format("[3]")),
    "pipeline": (
        _FEEDBACK + "thread main:\n    repeat 4: send jobs\n    repeat 4: receive results\n",
        _FEEDBACK + "thread feeder: repeat 4: send jobs\nthread main: repeat 4: receive results\n",
    ),
    "semaphore-handshake": (
        _HANDSHAKE.format("acquire pong; release ping"),
        _HANDSHAKE.format("release ping; acquire pong"),
    ),
    "lost-wake-up": (
        _WAKE_UP
        + """\
thread waiter:
    if ready: skip
    else:
        acquire guard  # too late: the event may have been set, and notified, since
        wait changed
        release guard
""",
        _WAKE_UP
        + """\
thread waiter:
    acquire guard
    until ready: wait changed
    release guard
""",
    ),
    "actors": (
        _ACTORS + "".join(_ASKS.format(me=me, other=other) for me, other in _PAIRS),
        _ACTORS + "".join(_ANSWERS_MEANWHILE.format(me=me, other=other) for me, other in _PAIRS),
    ),
}
