"""How figures look and are shown: the same for everybody, whatever a ``matplotlibrc`` says."""

import matplotlib
import seaborn as sns
from IPython.core.pylabtools import print_figure
from IPython.display import display
from matplotlib.figure import Figure


def settle() -> None:
    """Draw from now on from Matplotlib's defaults, in the report's theme, with the font that
    Matplotlib brings. Windows are never opened: there may be no screen."""
    matplotlib.rcdefaults()
    if "inline" not in (matplotlib.get_backend(auto_select=False) or ""):  # Jupyter's
        matplotlib.use("agg")
    sns.set_theme(style="whitegrid", font="DejaVu Sans", font_scale=0.9)


def show(figure: Figure) -> None:
    """Show ``figure`` in a notebook as PNG, whatever ``MPLBACKEND`` and IPython's settings say."""
    content = print_figure(figure, "png", base64=True)
    display({"image/png": content, "text/plain": repr(figure)}, raw=True)
