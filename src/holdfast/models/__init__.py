"""Plain modules that return logits; one paper per module."""

from holdfast.core.registry import Registry
from holdfast.models.base import SequenceModel, WindowModel
from holdfast.models.danq import DanQ
from holdfast.models.dashboard import DashboardCNN, DashboardCNNRNN, DashboardRNN
from holdfast.models.deepbind import DeepBind
from holdfast.models.deeperbind import DeeperBind
from holdfast.models.deepgrn import DeepGRN
from holdfast.models.deepsea import DeepSEA
from holdfast.models.demo import DeMo
from holdfast.models.ensemble import Ensemble
from holdfast.models.factornet import FactorNet
from holdfast.models.holdfast_net import HoldfastNet
from holdfast.models.kmer import KmerLogistic
from holdfast.models.koo import CNN2, CNN50, CNNDeep
from holdfast.models.modular import Modular
from holdfast.models.pap_megyeri import PapMegyeriCNN
from holdfast.models.strands import RcPooled, RcShared, Siamese
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
        "dashboard_cnn": DashboardCNN,
        "dashboard_cnn_rnn": DashboardCNNRNN,
        "dashboard_rnn": DashboardRNN,
        "deepbind": DeepBind,
        "deeperbind": DeeperBind,
        "deepgrn": DeepGRN,
        "deepsea": DeepSEA,
        "demo": DeMo,
        "factornet": FactorNet,
        "holdfast": HoldfastNet,
        "kmer": KmerLogistic,
        "pap_megyeri": PapMegyeriCNN,
        "tbinet": TBiNet,
        "zeng": ZengCNN,
        # Made of other parts: blocks, or models.
        "modular": Modular,
        "siamese": Siamese,
        "rc_shared": RcShared,
        "rc_pooled": RcPooled,
        "ensemble": Ensemble,
    },
)
