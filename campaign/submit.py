"""The path under which queues have stored `advance`: it stays."""

from __future__ import annotations

from campaign.steering.submit import advance as advance
