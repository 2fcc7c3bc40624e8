"""Show figures and panels. This package holds everything that needs a screen."""

from helpers.show.comparing import ChoosingExplorer, RowsExplorer
from helpers.show.live import live_curve
from helpers.show.moments import TimeSlider
from helpers.show.padding import PaddingExplorer
from helpers.show.review import ReviewTester
from helpers.show.tokens import TokenExplorer
from helpers.show.told import told_apart, what_happened
from helpers.show.upload import uploaded_file

__all__ = [
    "ChoosingExplorer",
    "PaddingExplorer",
    "ReviewTester",
    "RowsExplorer",
    "TimeSlider",
    "TokenExplorer",
    "live_curve",
    "told_apart",
    "uploaded_file",
    "what_happened",
]
