"""Plain modules that return logits; one paper per module."""

from holdfast.core.registry import Registry
from holdfast.models.base import SequenceModel, WindowModel
from holdfast.models.deepbind import DeepBind
from holdfast.models.holdfast_net import HoldfastNet
from holdfast.models.kmer import KmerLogistic
from holdfast.models.pap_megyeri import PapMegyeriCNN

__all__ = ["MODELS", "SequenceModel", "WindowModel"]

MODELS: Registry[SequenceModel] = Registry(
    "model",
    {
        "deepbind": DeepBind,
        "holdfast": HoldfastNet,
        "kmer": KmerLogistic,
        "pap_megyeri": PapMegyeriCNN,
    },
)
