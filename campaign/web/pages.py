"""The blueprint: what each address shows. `mount` is what `latticefarm web` names to the server."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, Response, abort, flash, g, jsonify, redirect, render_template, request, url_for

from campaign.planning.work import Work
from campaign.report.page import FOLDER
from campaign.steering.holds import say
from campaign.steering.progress import duration, summary
from campaign.steering.status import State
from campaign.steering.steer import ACTS, NoSuchWork
from campaign.steering.time_left import Left
from campaign.web import steering
from campaign.web.curves import WORDS, Curves
from campaign.web.failures import groups
from campaign.web.kept import Kept
from campaign.web.label_rates import label_panels
from campaign.web.matrix import FILTERS, choices, filtered, systems
from campaign.web.reports import INDEX, INTERACTIVE, ReportFolder
from campaign.web.snapshot import Snapshot, Snapshots
from campaign.web.workers import Workshop, workshop
from launchers.farm import Farm
from launchers.web.application import Pages

LINKS = (("Campaigns", "campaigns.all_campaigns"), ("Failures", "campaigns.all_failures"), ("Workers", "campaigns.workers"))


def mount(farm: Farm) -> Pages:
    """The pages of the campaigns of `farm`."""
    views = _Views(farm, Snapshots(farm), Kept(lambda: workshop(farm)), Curves(farm))
    blueprint = Blueprint("campaigns", __name__, template_folder="templates", static_folder="static", static_url_path="/campaign-pages")
    for rule, view in (
        ("/campaigns/", views.all_campaigns),
        ("/campaigns/<name>", views.campaign),
        ("/campaigns/<name>/failures", views.failures),
        ("/campaigns/<name>/report/<page>", views.report),
        (f"/campaigns/<name>/report/{FOLDER}/<file>", views.figure),
        ("/failures", views.all_failures),
        ("/workers", views.workers),
        ("/versions", views.versions),
    ):
        blueprint.add_url_rule(rule, view.__name__, view)
    blueprint.add_url_rule("/campaigns/<name>/steer", "steer", views.steer, methods=["POST"])
    blueprint.app_template_filter("duration")(duration)
    blueprint.app_template_filter("moment")(lambda one: f"{one:%Y-%m-%d %H:%M:%S} UTC" if one else "")
    blueprint.app_template_filter("selection")(lambda one: say(one) or "all of it")
    blueprint.context_processor(lambda: {"State": State, "summary": summary, "words": WORDS, "INDEX": INDEX, "INTERACTIVE": INTERACTIVE})
    return Pages(blueprint, LINKS, views.warm)


@dataclass(frozen=True)
class _Views:
    farm: Farm
    snapshots: Snapshots
    workshop: Kept[Workshop]
    curves: Curves

    def warm(self) -> None:
        """Look at all campaigns before anybody asks: the first look at a large one takes seconds."""
        self.workshop.get()
        self.snapshots.all()

    def all_campaigns(self) -> str:
        """Each campaign with its progress, failures, hours, and the time left."""
        found = self.snapshots.all()
        return self._live("all_campaigns.html", found, campaigns=found, left={one.name: self._left(one) for one in found})

    def campaign(self, name: str) -> str:
        """The matrix of one campaign, or of the part of it that the address names."""
        one = self._snapshot(name)
        wanted = {field: value for field in FILTERS if (value := request.args.get(field, ""))}
        works = filtered(one.status, wanted)
        about = {"wanted": wanted, "choices": choices(one.status), "systems": systems(one.status, one.numbers, works), "count": len(works)}
        labels, more_labels = label_panels(one.status, one.labelled, works, one.taken.timestamp())
        panels, more = self.curves.panels(one.status, one.told, works)
        about |= {"panels": [*labels, *panels], "more_panels": more_labels + more, "report": ReportFolder.of(one.name)}
        return self._live("campaign.html", [one], one=one, left=self._left(one), whole=self._is_whole(one, works), **about)

    def report(self, name: str, page: str) -> Response:
        """A page of the report of a campaign, where one was written."""
        return ReportFolder.of(self._snapshot(name).name).page(page)

    def figure(self, name: str, file: str) -> Response:
        """A file of a figure of the report."""
        return ReportFolder.of(self._snapshot(name).name).figure(file)

    def failures(self, name: str) -> str:
        """What failed in one campaign."""
        return self._failures([self._snapshot(name)])

    def all_failures(self) -> str:
        """What failed in any campaign."""
        return self._failures(self.snapshots.all())

    def workers(self) -> str:
        """Slots, allocations, and what waits for which resource."""
        found = self.workshop.get()
        return render_template("campaign/workers.html", shop=found, version=_of_workshop(found), taken=found.taken)

    def versions(self) -> Any:
        """What a page asks every few seconds: whether what it shows has changed, and the state in one line."""
        if request.args.get("of") == "workers":
            found = self.workshop.get()
            return jsonify(version=_of_workshop(found), taken=f"{found.taken:%H:%M:%S}", text="")
        name = request.args.get("campaign")
        shown = self.snapshots.all() if name is None else [self._snapshot(name)]
        text = "; ".join(f"{one.name}: {summary(one.counts)}" for one in shown[:3])
        return jsonify(version=_version(shown), taken=_taken(shown), text=text)

    def steer(self, name: str) -> Any:
        """Do what a form asks for: retry, pause, resume or cancel; to cancel is asked once more."""
        one = self._snapshot(name)
        act = request.form.get("act", "")
        if act not in ACTS:
            abort(400, f"{act!r} is none of {', '.join(ACTS)}")
        try:
            chosen = steering.chosen(self.farm, one, request.form)
            if act == "cancel" and "sure" not in request.form:
                return render_template("campaign/sure.html", one=one, act=act, count=len(chosen.keys), asked=steering.asked(request.form))
            keys = steering.steer(chosen, act, g.user, flash)
        except NoSuchWork as error:
            abort(400, str(error))
        self.snapshots.changed(name)
        flash(f"{name}: {len(keys)} jobs {ACTS[act].done}")
        return redirect(steering.back(request.form, url_for("campaigns.campaign", name=name)), 303)

    def _failures(self, found: list[Snapshot]) -> str:
        kinds = sorted({one.record.kind for each in found for one in each.failed})
        kind = request.args.get("kind", "")
        parts = [(each, groups(one for one in each.failed if not kind or one.record.kind == kind)) for each in found]
        return self._live("failures.html", found, parts=parts, kinds=kinds, kind=kind)

    def _live(self, template: str, shown: list[Snapshot], **about: Any) -> str:
        return render_template(f"campaign/{template}", version=_version(shown), taken=min((one.taken for one in shown), default=None), **about)

    def _snapshot(self, name: str) -> Snapshot:
        try:
            return self.snapshots.of(name)
        except KeyError:
            abort(404, f"there is no campaign {name} in this database")

    def _left(self, one: Snapshot) -> Left:
        """On the workers that are heard of, or on one."""
        slots = sum(slot.word in ("idle", "at work") for slot in self.workshop.get().slots)
        return replace_seconds(one.left, one.left.seconds / max(1, slots))

    @staticmethod
    def _is_whole(one: Snapshot, works: list[Work]) -> bool:
        return len(works) == len(one.status.plan.work)


def replace_seconds(left: Left, seconds: float) -> Left:
    """The same guess, of that many seconds."""
    return left._replace(seconds=seconds)


def _version(shown: Iterable[Snapshot]) -> str:
    return "-".join(one.version[:8] for one in shown) if (shown := list(shown)) and len(shown) < 4 else _digest([one.version for one in shown])


def _of_workshop(one: Workshop) -> str:
    slots = [replace(slot, silent_s=None if slot.silent_s is None else slot.silent_s // 15) for slot in one.slots]
    return _digest((slots, one.allocations, one.waits, one.unfit))


def _digest(shown: Any) -> str:
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]


def _taken(shown: list[Snapshot]) -> str:
    return f"{min(one.taken for one in shown):%H:%M:%S}" if shown else ""
