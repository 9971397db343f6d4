"""What a running job tells of itself before its record is there: one small document under its key, for who watches.

The job reaches it through the additional store `bulletins` of its job store; where there is none (an environment that was
written before), nobody is told. Nothing rests on it: a thread writes the newest, at an interval, so that the job neither
waits nor fails for it, and a job that ends before the first interval has written nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Condition, Thread
from typing import Any

STORE = "bulletins"
INTERVAL_S = 15.0
POINTS = 120  # of a series; of more, every second, third, ...
PARTING_S = 2.0  # for which a job that ends waits for its document to be gone
FORGOTTEN = timedelta(days=1)


@dataclass(frozen=True)
class News:
    """How far a job is: `done` of `total` epochs or steps (its `unit`), and `series` of one length, by name with units.

    `part` says of what, where a job does several such things one after the other.
    """

    unit: str
    done: int
    total: int
    series: Mapping[str, Sequence[float | None]]
    part: str = ""

    def document(self) -> dict[str, Any]:
        """As it is stored."""
        thin = {name: thinned(values) for name, values in self.series.items()}
        return {"unit": self.unit, "done": self.done, "total": self.total, "part": self.part, "series": thin}


@dataclass
class Bulletin:
    """The document of the work `key`: renewed every `interval_s` within this context, and gone after it.

    Interrupted (a drain), it stays: the work goes on elsewhere.
    """

    key: str
    store: Any
    interval_s: float = INTERVAL_S
    _news: News | None = None
    _ending: str = ""
    _over: bool = False
    _changed: Condition = field(default_factory=Condition)

    def tell(self, news: News) -> None:
        """Have this written next, unless something newer replaces it before."""
        with self._changed:
            self._news = news

    def __enter__(self) -> Bulletin:
        Thread(target=self._run, name="bulletin", daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        interrupted = kind is not None and not issubclass(kind, Exception)
        with self._changed:
            self._ending = "stay" if interrupted else "go"
            self._changed.notify_all()
            if not interrupted:
                self._changed.wait_for(lambda: self._over, PARTING_S)

    def _run(self) -> None:
        written = False
        while not self._ends_within(self.interval_s):
            with self._changed:
                news, self._news = self._news, None
            if news is not None:
                written = True  # or half of it
                self._try(lambda one=news: self._write(one))
        if written and self._ending == "go":
            self._try(lambda: self.store.remove_docs({"key": self.key}))
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def _ends_within(self, seconds: float) -> bool:
        with self._changed:
            return bool(self._changed.wait_for(lambda: self._ending, seconds))

    def _write(self, news: News) -> None:
        self.store.update([{"key": self.key, "at": datetime.now(UTC), **news.document()}], key="key")

    def _try(self, act: Any) -> None:
        try:
            act()
        except Exception as error:  # nobody is told: that is no trouble of the job
            print(f"who watches is not told how far this is ({type(error).__name__})", flush=True)


@contextmanager
def bulletin_of(key: str) -> Iterator[Bulletin | None]:
    """Inside a job: that of the work `key`; None where the job can reach none."""
    from jobflow import CURRENT_JOB

    store = _bulletins_of(CURRENT_JOB.store)
    if store is None:
        yield None
        return
    with Bulletin(key, store) as bulletin:
        yield bulletin


def keys_in(job_store: Any) -> set[str]:
    """The work of which this job store has one."""
    store = _bulletins_of(job_store)
    return set() if store is None else set(store.distinct("key"))


def sweep(job_store: Any, delivered: Iterable[str]) -> None:
    """Remove those of work that is delivered, and those that nobody has renewed for `FORGOTTEN`."""
    store = _bulletins_of(job_store)
    if store is not None:
        old = {"at": {"$lt": datetime.now(UTC) - FORGOTTEN}}
        store.remove_docs({"$or": [{"key": {"$in": sorted(delivered)}}, old]})


def thinned(values: Sequence[Any], points: int = POINTS) -> list[Any]:
    """At most `points` of them, evenly, the first and the last among them."""
    last = len(values) - 1
    if last < points:
        return list(values)
    return [values[round(place * last / (points - 1))] for place in range(points)]


def _bulletins_of(job_store: Any) -> Any:
    return (getattr(job_store, "additional_stores", None) or {}).get(STORE)
