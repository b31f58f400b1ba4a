"""Every attribution method explains every model, or says why not."""

import numpy as np
import pytest
import torch
from torch import Tensor

from holdfast.core.errors import InputError
from holdfast.core.registry import Spec
from holdfast.interpret.attribution import ATTRIBUTIONS, Attributions
from holdfast.models import MODELS
from holdfast.models.base import SequenceModel

QUICK: dict[str, dict[str, object]] = {
    "smoothgrad": {"samples": 2},
    "integrated-gradients": {"steps": 5},
    "expected-gradients": {"references": 2, "steps": 3},
    "deepshap": {"references": 2},
    "occlusion": {"stride": 5},
}
# No gradient: it counts k-mers.
WITHOUT_GRADIENT = {"kmer"}
WITHOUT_CONVOLUTION = {"kmer", "dashboard_rnn"}
MORE: list[tuple[str, dict[str, object], int]] = [
    ("pap_megyeri", {"padding": "valid"}, 60),
    ("siamese", {"model": "danq"}, 64),
    ("siamese", {"model": "dashboard_rnn", "merge": "max"}, 30),
    ("siamese", {"model": "tbinet", "scale": "probabilities"}, 64),
    ("ensemble", {"members": ["zeng", "holdfast"], "mean": "probabilities"}, 60),
    ("deepbind", {"average_pool": True, "hidden": 8}, 60),
    ("deepgrn", {"attention": "pairwise_after"}, 84),
    ("deepgrn", {"attention": "attention1d"}, 84),
    ("modular", {"blocks": ["thermodynamic", "bilstm"], "head": {"pool": "logsum"}}, 30),
    ("modular", {"blocks": ["circular", "dilated_residual", "dense_block"], "head": {"pool": "mean"}}, 70),
]


def build(name: str, params: dict[str, object], window: int) -> SequenceModel:
    torch.manual_seed(0)
    model = MODELS.build(Spec(name=name, params=params), n_tasks=2, window=window).eval()
    with torch.no_grad():  # some weights start at zero
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model


def registered(name: str) -> tuple[SequenceModel, int]:
    facts = MODELS[name].facts  # type: ignore[attr-defined]
    return build(name, dict(facts.needs), facts.short_window), facts.short_window


def windows(n: int, window: int) -> Tensor:
    codes = torch.randint(0, 4, (n, window), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    codes[0, 5] = 4
    return codes


def explain(name: str, model: SequenceModel, codes: Tensor) -> Attributions:
    return ATTRIBUTIONS.build(Spec(name=name, params=QUICK.get(name, {})))(model, codes, task=1)


@pytest.mark.parametrize("method", ATTRIBUTIONS)
@pytest.mark.parametrize("name", MODELS)
def test_every_model_gets_a_finite_map_that_is_not_flat(name: str, method: str) -> None:
    model, window = registered(name)
    codes = windows(1, window)
    without = WITHOUT_CONVOLUTION if method == "grad-cam" else WITHOUT_GRADIENT - {"ism", "occlusion"}
    if name in without and method not in ("ism", "occlusion"):
        with pytest.raises(InputError, match=r"has no (gradient|convolution)"):
            explain(method, model, codes)
        return
    found = explain(method, model, codes)
    assert np.isfinite(found.per_base).all()
    assert (found.per_base[0, 5] == 0).all()
    if method != "grad-cam":  # which is rectified, and may be nothing
        assert found.per_base.std(axis=1).min() > 0


@pytest.mark.parametrize(
    ("name", "params", "window"),
    [
        *((name, None, 0) for name in MODELS if name not in WITHOUT_GRADIENT),
        *MORE,
    ],
    ids=lambda value: str(value),
)
@pytest.mark.parametrize("method", ["deeplift", "deepshap"])
def test_deeplift_is_complete(name: str, params: dict[str, object] | None, window: int, method: str) -> None:
    if params is None:
        model, window = registered(name)
    else:
        model = build(name, params, window)
    found = explain(method, model, windows(1, window))
    assert found.gap is not None
    assert found.incomplete is not None
    # float32 rounding; hard sigmoids have kinks between the nodes of the integral over a recurrent layer.
    assert np.abs(found.gap).max() < 1e-3
    assert not found.incomplete.any()
