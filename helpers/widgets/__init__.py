"""What knows a screen: live figures and, later, panels."""

from helpers.widgets.live import live_curve

__all__ = ["live_curve"]
