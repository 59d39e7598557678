"""Protocols of threads and Petri nets, described in a few lines and checked exhaustively.

Holds text and words; reading, searching and drawing is the extension's.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from multilane import _multilane

#: States after which a check stops.
MAX_STATES = 1_000_000


@dataclass(frozen=True)
class Move:
    """One step of a run.

    Attributes
    ----------
    who : str
        The thread; of a `Net` the transition.
    what : str
        What it does.
    line : int
        The line of the text that says so, counted from 1.
    """

    who: str
    what: str
    line: int


@dataclass(frozen=True)
class Waits:
    """A thread that cannot go on at the end of a run.

    Attributes
    ----------
    who : str
        The thread; of a `Net` the transition.
    wants : str
        The step it is at.
    because : str
        Why that is not possible.
    """

    who: str
    wants: str
    because: str


class Failure:
    """Something that can go wrong, with a run that gets there.

    Attributes
    ----------
    kind : str
        ``"deadlock"``, ``"unbounded"``, ``"exceeded"`` or ``"starvation"``.
    what : tuple of str
        The channels or places that grow, the section or place that holds too much, or the thread
        that is left out.
    headline : str
        The failure in one line.
    moves : tuple of Move
        The run, from the start.
    repeats_from : int or None
        Where in ``moves`` the part begins that can be repeated for ever, if there is one.
    waits : tuple of Waits
        Who cannot go on at the end of the run.
    """

    def __init__(self, checked: _multilane.CheckedNet, index: int, found: dict[str, Any]) -> None:
        self._checked = checked
        self._index = index
        self.kind: Literal["deadlock", "unbounded", "exceeded", "starvation"] = found["kind"]
        self.what: tuple[str, ...] = tuple(found["what"])
        self.headline: str = found["headline"]
        self.moves = tuple(Move(**move) for move in found["moves"])
        self.repeats_from: int | None = found["repeats_from"]
        self.waits = tuple(Waits(**waits) for waits in found["waits"])

    def __repr__(self) -> str:
        return f"<sync.Failure {self.headline!r}>"

    def to_svg(self, path: str | os.PathLike[str] | None = None) -> str:
        """Draw the run: a lane for each thread, time downwards, bars for the locks it holds.

        Parameters
        ----------
        path : path, optional
            Where to write it, too.

        Returns
        -------
        str
            An SVG document.
        """
        return _written(self._checked.svg(self._index), path)

    def to_dot(self, path: str | os.PathLike[str] | None = None) -> str:
        """Draw the net as `Net.to_dot` does, the steps of the run in red."""
        return _written(self._checked.dot(self._index), path)

    def _repr_svg_(self) -> str:
        return self.to_svg()


class Verdict:
    """What an exhaustive check found; printing it shows each failure with its run.

    Attributes
    ----------
    holds : bool or None
        Whether nothing can go wrong; None where the check stopped early and had found nothing.
    failures : tuple of Failure
        What can go wrong: of each kind one, of starvation one for each thread.
    complete : bool
        Whether every state was visited.
    states, steps : int
        States visited, and steps between them.
    never : tuple of str
        Steps of the text that no run ever takes.
    """

    def __init__(self, checked: _multilane.CheckedNet) -> None:
        self._checked = checked
        found = json.loads(checked.json())
        self.holds: bool | None = found["holds"]
        self.complete: bool = found["complete"]
        self.states: int = found["states"]
        self.steps: int = found["steps"]
        self.never: tuple[str, ...] = tuple(found["never"])
        self.failures = tuple(Failure(checked, index, each) for index, each in enumerate(found["failures"]))

    def _first(self, kind: str) -> Failure | None:
        return next((failure for failure in self.failures if failure.kind == kind), None)

    @property
    def deadlock(self) -> Failure | None:
        """A shortest run after which nobody can go on, though not all have ended."""
        return self._first("deadlock")

    @property
    def unbounded(self) -> Failure | None:
        """A run whose end can be repeated, so that channels or places grow for ever."""
        return self._first("unbounded")

    @property
    def exceeded(self) -> Failure | None:
        """A shortest run after which a section or a place holds more than it may."""
        return self._first("exceeded")

    @property
    def starved(self) -> tuple[Failure, ...]:
        """For each thread that can be left waiting for ever while others go on, a run that does so."""
        return tuple(failure for failure in self.failures if failure.kind == "starvation")

    def __str__(self) -> str:
        return self._checked.text().rstrip()

    def __repr__(self) -> str:
        words = {True: "holds", False: "fails", None: "undecided"}[self.holds]
        return f"<sync.Verdict: {words}, {self.states} states>"


class Net:
    """A Petri net: places with tokens, and transitions that move them.

    Parameters
    ----------
    text : str
        Lines ``place NAME = TOKENS at most TOKENS`` (both numbers may be left out),
        ``TRANSITION: PLACE + 2 PLACE -> PLACE`` (``fair`` before it: happens in the end when it is
        possible again and again), and ``end PLACE = TOKENS`` (to stop with so many is no deadlock).
        ``#`` begins a comment.

    Raises
    ------
    ProtocolError
        A line cannot be read; at once, not when it is checked.

    Examples
    --------
    >>> from multilane import sync
    >>> net = sync.Net('''
    ...     place free = 1, idle = 2, busy at most 1
    ...     take: free + idle -> busy
    ...     give: busy -> free + idle
    ... ''')
    >>> print(net.check())
    holds: no deadlock, nothing grows for ever, nobody is left out
    2 states and 2 steps between them
    """

    _is_protocol = False

    def __init__(self, text: str) -> None:
        self._text = text
        _multilane.petri_dot(text, self._is_protocol)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """Read one from a file.

        Parameters
        ----------
        path : path
            A file of text in UTF-8.
        """
        return cls(Path(path).read_text(encoding="utf-8"))

    @property
    def text(self) -> str:
        """What it was made from."""
        return self._text

    def check(self, *, max_states: int = MAX_STATES, starvation: bool = True) -> Verdict:
        """Visit every state that can be reached.

        Parameters
        ----------
        max_states : int
            States after which the check stops; what it found until then counts, and nothing found
            is no answer. A million states of a small protocol take about 100 MB.
        starvation : bool
            Whether to look for threads that can be left out for ever.

        Returns
        -------
        Verdict

        Raises
        ------
        ProtocolError
            A place gets more tokens than can be counted.
        """
        if max_states < 1:
            raise ValueError(f"`max_states` is {max_states}; it must be at least 1")
        return Verdict(_multilane.petri_check(self.text, self._is_protocol, max_states, starvation))

    def to_dot(self, path: str | os.PathLike[str] | None = None) -> str:
        """Draw the net in Graphviz' language.

        Parameters
        ----------
        path : path, optional
            Where to write it, too.

        Returns
        -------
        str
            A graph in DOT.
        """
        return _written(_multilane.petri_dot(self.text, self._is_protocol), path)

    def __repr__(self) -> str:
        return f"<sync.{type(self).__name__} of {len(self.text.splitlines())} lines>"


class Protocol(Net):
    """What threads do with locks, semaphores, channels, events and conditions.

    Parameters
    ----------
    text : str
        Declarations of what the threads share, and the threads; see the page on protocols for every
        word. May be empty when lines are added with the methods.

    Raises
    ------
    ProtocolError
        A line cannot be read.

    Examples
    --------
    >>> from multilane import sync
    >>> transfer = sync.Protocol('''
    ...     lock accounts, journal
    ...     thread payer: acquire accounts; acquire journal; release journal; release accounts
    ...     thread auditor: with journal: with accounts: do audit
    ... ''')
    >>> print(transfer.check())
    deadlock: after 2 steps nobody can go on
      1. payer: acquire accounts
      2. auditor: acquire journal
      payer waits to acquire journal: held by auditor
      auditor waits to acquire accounts: held by payer
    21 states and 24 steps between them

    The same, put together by a program:

    >>> table = sync.Protocol()
    >>> for seat in range(3):
    ...     _ = table.share("fair lock", f"fork{seat}")
    >>> for seat in range(3):
    ...     left, right = sorted([seat, (seat + 1) % 3])
    ...     _ = table.thread(f"philosopher{seat}", f"loop: with fork{left}: with fork{right}: do eat")
    >>> table.check().holds
    True
    """

    _is_protocol = True

    def __init__(self, text: str = "") -> None:
        self._text = text
        if text.strip():
            super().__init__(text)

    def share(self, kind: str, *names: str) -> Self:
        """Add a line that declares what threads share.

        Parameters
        ----------
        kind : str
            ``"lock"``, ``"semaphore"``, ``"channel"``, ``"rendezvous"``, ``"event"``, ``"condition"``
            or ``"section"``, after ``"fair "`` where it serves in turn.
        *names : str
            Names, each as in the text: ``"jobs[2]"``, ``"permits = 3"``, ``"changed of m"``.

        Returns
        -------
        Protocol
            This one.
        """
        return self._add(f"{kind} {', '.join(names)}")

    def thread(self, name: str, *steps: str, copies: int = 1, daemon: bool = False) -> Self:
        """Add a thread.

        Parameters
        ----------
        name : str
            Its name.
        *steps : str
            Its steps, each as in the text; one that opens a block has the block behind its colon.
        copies : int
            How many such threads there are.
        daemon : bool
            Whether it may wait for ever.

        Returns
        -------
        Protocol
            This one.
        """
        if not steps:
            raise ValueError(f"thread `{name}` has no step; `skip` does nothing")
        times = f" x {copies}" if copies != 1 else ""
        body = [f"    {line}" for step in steps for line in step.splitlines()]
        return self._add("\n".join([f"{'daemon' if daemon else 'thread'} {name}{times}:", *body]))

    def _add(self, lines: str) -> Self:
        before = self._text.rstrip("\n")
        self._text = f"{before}\n{lines}\n" if before.strip() else f"{lines}\n"
        return self

    @classmethod
    def named(cls, name: str, *, cured: bool = False) -> Self:
        """Return one of the protocols that this package knows.

        Parameters
        ----------
        name : str
            One of `Protocol.names`.
        cured : bool
            The version that holds, instead of the broken one.

        Examples
        --------
        >>> from multilane import sync
        >>> sync.Protocol.named("dining-philosophers").check().deadlock.headline
        'deadlock: after 3 steps nobody can go on'
        >>> sync.Protocol.named("dining-philosophers", cured=True).check().holds
        True
        """
        from multilane.sync._protocols import PROTOCOLS

        if name not in PROTOCOLS:
            raise ValueError(f"no protocol is called `{name}`; there are {', '.join(PROTOCOLS)}")
        return cls(PROTOCOLS[name][1 if cured else 0])

    @classmethod
    def names(cls) -> Iterable[str]:
        """Return the names of the protocols that this package knows.

        Examples
        --------
        >>> from multilane import sync
        >>> "two-locks" in sync.Protocol.names()
        True
        """
        from multilane.sync._protocols import PROTOCOLS

        return tuple(PROTOCOLS)


def _written(text: str, path: str | os.PathLike[str] | None) -> str:
    if path is not None:
        Path(path).write_text(text, encoding="utf-8")
    return text
