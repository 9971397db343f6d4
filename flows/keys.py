"""Keys: what a piece of work computes, as a digest.

A key is built from a stable task name, an integer version, the resolved scientific settings and the keys of
the inputs. Module paths, package versions, devices, paths, dates and campaign names never enter: moving a
module or renaming a campaign must not recompute a label.
"""

from __future__ import annotations

import hashlib
import json
import math
import uuid
from typing import Any

NAMESPACE = uuid.UUID("6f0c4b0e-3d7e-5a53-9a55-6c61747469ce")


def canonical_json(payload: Any) -> str:
    """The one JSON text of `payload`: sorted keys, no spaces, shortest exact floats.

    Raises:
        ValueError: a number is not finite: it has no place in an identity.
        TypeError: a value is not plain JSON (convert models with `model_dump(mode="json")`).
    """
    try:
        return json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    except ValueError:
        _refuse_non_finite(payload, "payload")
        raise


def digest(task: str, version: int, **content: Any) -> str:
    """A key of 40 hexadecimal digits for `task` at `version`, of what is in `content`."""
    text = canonical_json({"task": task, "version": version, "content": content})
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def job_uuid(key: str) -> str:
    """The uuid of the one job that delivers `key` (and of the document that holds its record)."""
    return str(uuid.uuid5(NAMESPACE, key))


def _refuse_non_finite(value: Any, where: str) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{where} is {value}: only finite numbers can be part of a key")
    if isinstance(value, dict):
        for name, item in value.items():
            _refuse_non_finite(item, f"{where}.{name}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _refuse_non_finite(item, f"{where}[{index}]")
