"""Attribution methods: one contract, one line each."""

from holdfast.core.registry import Registry
from holdfast.interpret.attribution.base import Attribution, Attributions
from holdfast.interpret.attribution.deeplift import DeepLIFT, DeepSHAP
from holdfast.interpret.attribution.gradcam import GradCAM
from holdfast.interpret.attribution.gradients import CorrectedGradient, GradientTimesInput, Saliency
from holdfast.interpret.attribution.mutagenesis import InSilicoMutagenesis
from holdfast.interpret.attribution.occlusion import Occlusion
from holdfast.interpret.attribution.paths import ExpectedGradients, IntegratedGradients, SmoothGrad

__all__ = ["ATTRIBUTIONS", "Attribution", "Attributions"]

ATTRIBUTIONS: Registry[Attribution] = Registry(
    "attribution",
    {
        "saliency": Saliency,
        "gradient-x-input": GradientTimesInput,
        "corrected-gradient": CorrectedGradient,
        "smoothgrad": SmoothGrad,
        "integrated-gradients": IntegratedGradients,
        "expected-gradients": ExpectedGradients,
        "deeplift": DeepLIFT,
        "deepshap": DeepSHAP,
        "ism": InSilicoMutagenesis,
        "occlusion": Occlusion,
        "grad-cam": GradCAM,
    },
)
