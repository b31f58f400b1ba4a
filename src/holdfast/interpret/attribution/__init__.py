"""Attribution methods: one contract, one line each."""

from holdfast.core.registry import Registry
from holdfast.interpret.attribution.base import Attribution, Attributions
from holdfast.interpret.attribution.gradients import CorrectedGradient, GradientTimesInput, Saliency
from holdfast.interpret.attribution.mutagenesis import InSilicoMutagenesis

__all__ = ["ATTRIBUTIONS", "Attribution", "Attributions"]

ATTRIBUTIONS: Registry[Attribution] = Registry(
    "attribution",
    {
        "saliency": Saliency,
        "gradient-x-input": GradientTimesInput,
        "corrected-gradient": CorrectedGradient,
        "ism": InSilicoMutagenesis,
    },
)
