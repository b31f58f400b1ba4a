"""Plain modules that return logits; one paper per module."""

from holdfast.core.registry import Registry
from holdfast.models.base import SequenceModel, WindowModel
from holdfast.models.dashboard import DashboardCNN, DashboardCNNRNN, DashboardRNN
from holdfast.models.deepbind import DeepBind
from holdfast.models.demo import DeMo
from holdfast.models.holdfast_net import HoldfastNet
from holdfast.models.kmer import KmerLogistic
from holdfast.models.pap_megyeri import PapMegyeriCNN

__all__ = ["MODELS", "SequenceModel", "WindowModel"]

MODELS: Registry[SequenceModel] = Registry(
    "model",
    {
        "dashboard_cnn": DashboardCNN,
        "dashboard_cnn_rnn": DashboardCNNRNN,
        "dashboard_rnn": DashboardRNN,
        "deepbind": DeepBind,
        "demo": DeMo,
        "holdfast": HoldfastNet,
        "kmer": KmerLogistic,
        "pap_megyeri": PapMegyeriCNN,
    },
)
