"""holdfast: how far can a shift push a transcription-factor-binding classifier? Exactly.

The names below are all that most users need. They are loaded when first asked for, so ``import holdfast`` and
``holdfast --help`` take no time.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from holdfast.core.errors import ConfigError, HoldfastError, InputError
    from holdfast.data.dataset import SequenceDataset
    from holdfast.data.simulate import simulate
    from holdfast.jobs.experiment import Experiment
    from holdfast.jobs.train import train
    from holdfast.models import MODELS, SequenceModel
    from holdfast.models.holdfast_net import HoldfastNet
    from holdfast.models.kmer import KmerLogistic
    from holdfast.models.pap_megyeri import PapMegyeriCNN
    from holdfast.report import write_report
    from holdfast.robustness.attacks import ATTACKS, CentreShift, RandomShift, SampledWorstShift, WorstShift
    from holdfast.robustness.audit import Audit, audit
    from holdfast.robustness.scan import scan
    from holdfast.robustness.shift import Shift
    from holdfast.runs.folder import Run
    from holdfast.training.fit import fit
    from holdfast.training.recipe import recipe

__version__ = "0.1.0"

__all__ = [
    "ATTACKS",
    "MODELS",
    "Audit",
    "CentreShift",
    "ConfigError",
    "Experiment",
    "HoldfastError",
    "HoldfastNet",
    "InputError",
    "KmerLogistic",
    "PapMegyeriCNN",
    "RandomShift",
    "Run",
    "SampledWorstShift",
    "SequenceDataset",
    "SequenceModel",
    "Shift",
    "WorstShift",
    "audit",
    "fit",
    "recipe",
    "scan",
    "simulate",
    "train",
    "write_report",
]

# Where each name lives; a test compares it with the imports above, which type checkers and editors read.
_HOMES = {
    "ATTACKS": "holdfast.robustness.attacks",
    "MODELS": "holdfast.models",
    "Audit": "holdfast.robustness.audit",
    "CentreShift": "holdfast.robustness.attacks",
    "ConfigError": "holdfast.core.errors",
    "Experiment": "holdfast.jobs.experiment",
    "HoldfastError": "holdfast.core.errors",
    "HoldfastNet": "holdfast.models.holdfast_net",
    "InputError": "holdfast.core.errors",
    "KmerLogistic": "holdfast.models.kmer",
    "PapMegyeriCNN": "holdfast.models.pap_megyeri",
    "RandomShift": "holdfast.robustness.attacks",
    "Run": "holdfast.runs.folder",
    "SampledWorstShift": "holdfast.robustness.attacks",
    "SequenceDataset": "holdfast.data.dataset",
    "SequenceModel": "holdfast.models",
    "Shift": "holdfast.robustness.shift",
    "WorstShift": "holdfast.robustness.attacks",
    "audit": "holdfast.robustness.audit",
    "fit": "holdfast.training.fit",
    "recipe": "holdfast.training.recipe",
    "scan": "holdfast.robustness.scan",
    "simulate": "holdfast.data.simulate",
    "train": "holdfast.jobs.train",
    "write_report": "holdfast.report",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'holdfast' has no attribute '{name}'")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
