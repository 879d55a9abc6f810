"""gdfast: gradient descent on least squares, with one read of the data a pass.

The model is ``y_pred = x @ w + b``. Its loss is the mean squared residual; ``reduction="sum"`` makes it the sum.

>>> import gdfast
>>> loss, grad = gdfast.loss_and_gradient([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0], 0.0)
>>> loss, grad
(30.0, -30.0)
>>> gdfast.fit([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0]).predict([5.0]).round(3)
array([10.])
"""

from gdfast import _core, threadpools
from gdfast._core import forward, get_num_threads, gradient, loss, loss_and_gradient, set_num_threads
from gdfast._path.result import Path
from gdfast.backends import backend, backends
from gdfast.config import config, show_config
from gdfast.convergence import ConvergenceWarning
from gdfast.doctor import DivergenceError
from gdfast.fit import Fit, Step, explain, fit
from gdfast.moments import Moments
from gdfast.path import path
from gdfast.plan import Explanation
from gdfast.report import Report
from gdfast.scan import Scan, scan
from gdfast.summary import Summary

__all__ = [
    "ConvergenceWarning",
    "DivergenceError",
    "Explanation",
    "Fit",
    "Moments",
    "Path",
    "Report",
    "Scan",
    "Step",
    "Summary",
    "__version__",
    "backend",
    "backends",
    "config",
    "explain",
    "fit",
    "forward",
    "get_num_threads",
    "gradient",
    "loss",
    "loss_and_gradient",
    "path",
    "scan",
    "set_num_threads",
    "show_config",
]

__version__: str = _core.config()["version"]

threadpools.register()
