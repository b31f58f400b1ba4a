"""Plain modules that return logits; one paper per module."""

from holdfast.core.registry import Registry
from holdfast.models.base import SequenceModel, WindowModel
from holdfast.models.deepgrn import DeepGRN
from holdfast.models.factornet import FactorNet
from holdfast.models.holdfast_net import HoldfastNet
from holdfast.models.kmer import KmerLogistic
from holdfast.models.pap_megyeri import PapMegyeriCNN

__all__ = ["MODELS", "SequenceModel", "WindowModel"]

MODELS: Registry[SequenceModel] = Registry(
    "model",
    {
        "deepgrn": DeepGRN,
        "factornet": FactorNet,
        "holdfast": HoldfastNet,
        "kmer": KmerLogistic,
        "pap_megyeri": PapMegyeriCNN,
    },
)
