"""The paths under which queues have stored `advance` and `bring`: they stay."""

from __future__ import annotations

from campaign.steering.enclosures import bring as bring
from campaign.steering.submit import advance as advance
