"""Plain modules that return logits; one paper per module."""

from holdfast.core.registry import Registry
from holdfast.models.base import SequenceModel, WindowModel
from holdfast.models.ensemble import Ensemble
from holdfast.models.holdfast_net import HoldfastNet
from holdfast.models.kmer import KmerLogistic
from holdfast.models.modular import Modular
from holdfast.models.pap_megyeri import PapMegyeriCNN
from holdfast.models.strands import RcPooled, RcShared, Siamese

__all__ = ["MODELS", "SequenceModel", "WindowModel"]

MODELS: Registry[SequenceModel] = Registry(
    "model",
    {
        "holdfast": HoldfastNet,
        "kmer": KmerLogistic,
        "pap_megyeri": PapMegyeriCNN,
        "modular": Modular,
        "siamese": Siamese,
        "rc_shared": RcShared,
        "rc_pooled": RcPooled,
        "ensemble": Ensemble,
    },
)
