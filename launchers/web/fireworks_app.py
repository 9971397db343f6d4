"""FireWorks' own web app, a copy of it for each server, with what is wrong in it mended from outside.

Its templates are replaced by those of this folder, under the same names: they take their files from this server alone,
run no script of their own, and show names whole. Lists are paged here: upstream skips rows of those by metadata, and
where many rows have one time.
"""

from __future__ import annotations

from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from flask import Flask, Response, abort, redirect, render_template, request, url_for
from jinja2 import ChoiceLoader, FileSystemLoader

from launchers.farm import Farm

PER_PAGE = 20
ORDERS = {"ASCENDING": 1, "DESCENDING": -1}
SORTED_BY = ("_id", "name", "state", "created_on", "updated_on")
STATES = ("ARCHIVED", "FIZZLED", "DEFUSED", "PAUSED", "WAITING", "READY", "RESERVED", "RUNNING", "COMPLETED")
INTERVALS = {"minutes": 240, "hours": 240, "days": 366, "months": 120, "years": 30}
HERE = Path(__file__).parent


def fireworks_app(farm: Farm) -> Flask:
    """The app on the queue of `farm`, without any guard yet."""
    module = _copy()
    app: Flask = module.app
    app.lp = farm.launchpad  # type: ignore[attr-defined]  # where FireWorks looks for it
    app.jinja_loader = ChoiceLoader([FileSystemLoader(HERE / "templates"), app.jinja_loader])  # type: ignore[list-item]
    lists = _Lists(module)
    app.view_functions |= {"wf_metadata_find": lists.by_metadata, "fw_state": lists.fireworks, "wf_state": lists.workflows}
    app.context_processor(lambda: {"known_states": ("total", *STATES)})
    app.after_request(_json_is_json)
    return app


def _copy() -> ModuleType:
    """The module of the app, loaded anew: an app can be changed before its first answer only, and each server has its own."""
    spec = find_spec("fireworks.flask_site.app")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _json_is_json(answer: Response) -> Response:
    """Upstream says of its JSON that it is HTML: the name of a job would be read as a page."""
    if request.endpoint in ("workflow_json", "get_fw_details") and answer.status_code == 200:
        answer.mimetype = "application/json"
    return answer


def refuse_what_is_not_there(farm: Farm) -> None:
    """What upstream answers with a traceback: numbers that nothing has, pages before the first, intervals of no kind."""
    named = request.view_args or {}
    for name in ("fw_id", "wf_id"):
        if name in named and farm.launchpad.fireworks.find_one({"fw_id": named[name]}, {"_id": 1}) is None:
            abort(404, f"there is no job {named[name]} in this queue")
    page = request.args.get("page", "1")
    if not (page.isascii() and page.isdigit() and int(page) > 0):
        abort(404, "there is no such page")
    if "num_intervals" in named:
        number = str(named["num_intervals"])
        known = named.get("coll", "fireworks") in ("fireworks", "workflows", "launches")
        if not (known and number.isdigit() and 0 < int(number) <= INTERVALS.get(named["interval"], 0)):
            abort(404, "there is no such report")
    if any(word in request.args.get(name, "") for name in ("fw_query", "wf_query") for word in ("$where", "$function", "$accumulator")):
        abort(400, "a query that runs code in the database is not taken")


class _Lists:
    """The lists of fireworks and workflows, page by page: every row once, whatever the order."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module
        self.launchpad: Any = module.app.lp

    def by_metadata(self, key: str, value: str, state: str = "total") -> Any:
        """Workflows whose metadata has this value: as text, and as the number that it may be."""
        values: list[Any] = [value, *([int(value)] if value.lstrip("-").isdecimal() else [])]
        found = self._of_state({f"metadata.{key}": {"$in": values}}, state)
        query = self.module._addq_WF(found)
        count = self.launchpad.workflows.count_documents(query)
        if count == 0:
            abort(404, f"no workflow has {key} {value}")
        if count == 1:
            return redirect(url_for("wf_details", wf_id=self.launchpad.workflows.find_one(query)["nodes"][0]), 303)
        about = {"key": key, "value": value, "state": state}
        return self._page("wf_metadata.html", self.launchpad.workflows, query, count, about)

    def workflows(self, state: str, sorting_key: str = "_id", sorting_order: str = "DESCENDING") -> Any:
        """All workflows, or those of one state."""
        query = self.module._addq_WF(self._of_state({}, state))
        return self._sorted("workflow", "wf", self.launchpad.workflows, query, (state, sorting_key, sorting_order))

    def fireworks(self, state: str, sorting_key: str = "_id", sorting_order: str = "DESCENDING") -> Any:
        """All jobs, or those of one state."""
        query = self.module._addq_FW(self._of_state({}, state))
        return self._sorted("job", "fw", self.launchpad.fireworks, query, (state, sorting_key, sorting_order))

    def _sorted(self, noun: str, short: str, collection: Any, query: dict[str, Any], asked: tuple[str, str, str]) -> Any:
        state, key, order = asked
        if key not in SORTED_BY or order not in ORDERS:
            abort(404, f"there is no order by {key}, {order}")
        of = {"noun": noun, "listing": f"{short}_state", "details": f"{short}_details", "number": f"{short}_id"}
        about = {"state": state, "sorting_key": key, "sorting_order": order} | of
        return self._page("states.html", collection, query, collection.count_documents(query), about)

    @staticmethod
    def _of_state(query: dict[str, Any], state: str) -> dict[str, Any]:
        if state not in (*STATES, "total"):
            abort(404, f"there is no state {state}")
        return query if state == "total" else {**query, "state": state}

    @staticmethod
    def _page(template: str, collection: Any, query: dict[str, Any], count: int, about: dict[str, str]) -> str:
        pages = max(1, -(-count // PER_PAGE))
        page = int(request.args.get("page", 1))
        if page > pages:
            abort(404, f"there are {pages} pages")
        # many rows have one time: without a second order a page may repeat rows of the one before
        order = list({about.get("sorting_key", "_id"): ORDERS[about.get("sorting_order", "DESCENDING")], "_id": -1}.items())
        fields = {"fw_id": 1, "nodes": 1, "name": 1, "state": 1, "created_on": 1, "updated_on": 1}
        rows = list(collection.find(query, fields).sort(order).skip((page - 1) * PER_PAGE).limit(PER_PAGE))
        for row in rows:
            row["fw_id"] = row.get("fw_id", min(row.get("nodes") or [0]))
        return render_template(template, rows=rows, count=count, page=page, pages=pages, **about)
