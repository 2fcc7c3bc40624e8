"""What knows a screen: live figures and panels."""

from helpers.widgets.live import live_curve
from helpers.widgets.padding import PaddingExplorer
from helpers.widgets.panel import HyperparameterPanel
from helpers.widgets.review import ReviewTester
from helpers.widgets.tokens import TokenExplorer

__all__ = ["HyperparameterPanel", "PaddingExplorer", "ReviewTester", "TokenExplorer", "live_curve"]
