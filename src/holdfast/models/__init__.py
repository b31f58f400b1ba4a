"""Plain modules that return logits; one paper per module."""

from holdfast.core.registry import Registry
from holdfast.models.base import SequenceModel, WindowModel
from holdfast.models.danq import DanQ
from holdfast.models.deeperbind import DeeperBind
from holdfast.models.deepsea import DeepSEA
from holdfast.models.holdfast_net import HoldfastNet
from holdfast.models.kmer import KmerLogistic
from holdfast.models.koo import CNN2, CNN50, CNNDeep
from holdfast.models.pap_megyeri import PapMegyeriCNN
from holdfast.models.tbinet import TBiNet
from holdfast.models.zeng import ZengCNN

__all__ = ["MODELS", "SequenceModel", "WindowModel"]

MODELS: Registry[SequenceModel] = Registry(
    "model",
    {
        "cnn_2": CNN2,
        "cnn_50": CNN50,
        "cnn_deep": CNNDeep,
        "danq": DanQ,
        "deeperbind": DeeperBind,
        "deepsea": DeepSEA,
        "holdfast": HoldfastNet,
        "kmer": KmerLogistic,
        "pap_megyeri": PapMegyeriCNN,
        "tbinet": TBiNet,
        "zeng": ZengCNN,
    },
)
