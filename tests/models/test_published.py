"""Published files give the outputs that independent code gave (see the references' own README)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from holdfast.models import MODELS
from holdfast.models.base import SequenceModel
from holdfast.models.keras import load
from holdfast.models.published import Wanted
from holdfast.models.stored import n_parameters

RealData = Callable[[str], Path]
pytestmark = pytest.mark.real_data

# float32 against float64 over a thousand positions and up to 141 recurrent steps.
CLOSE = 1e-5
# Logits of the pairwise attention reach 1.9e4, and float32 holds them to 1e-3.
CLOSE_PAIR = 1e-4

DEEPGRN = {"EGR1_pair": 324_353, "EGR1_single": 316_225, "MAX_single": 100_801, "NANOG_single": 95_809}


def imported(path: Path) -> SequenceModel:
    published = load(path, Wanted())
    model = MODELS.build(published.spec, n_tasks=published.n_tasks, window=published.window)
    model.load_state_dict(published.weights)
    return model.eval()


def inputs(reference: Any) -> tuple[torch.Tensor, ...]:
    codes = torch.from_numpy(reference["sequence_codes"]).long()
    x = torch.nn.functional.one_hot(codes, 4).transpose(1, 2).float()
    given = [x]
    if "tracks" in reference:
        given.append(torch.from_numpy(reference["tracks"]).transpose(1, 2))
    if "meta" in reference:
        given.append(torch.from_numpy(reference["meta"]))
    return tuple(given)


def close(ours: torch.Tensor, reference: Any, tolerance: float = CLOSE) -> None:
    np.testing.assert_allclose(ours.detach().numpy(), reference, atol=tolerance, rtol=0)


def check_strands(model: Any, reference: Any) -> None:
    given = inputs(reference)
    forward, reverse = model.strand_logits(*given)
    close(forward[:, 0], reference["logit_forward"])
    close(reverse[:, 0], reference["logit_reverse"])
    close(forward[:, 0].sigmoid(), reference["output_forward"])
    close(reverse[:, 0].sigmoid(), reference["output_reverse"])
    close(model(*given)[:, 0].sigmoid(), reference["output"])


def check_steps(model: Any, reference: Any) -> None:
    """What the pooling and the recurrent layer give of the first examples, and the channels they start from."""
    for strand, channels in zip(("forward", "reverse"), model.strands(*inputs(reference)[:2]), strict=True):
        close(channels[0, 4:].T, reference[f"input_{strand}_0"][:, 4:], 0)
        features = model.features(channels[:2])
        pooled = reference[f"pooled_{strand}"]
        close(features.transpose(1, 2), pooled, max(CLOSE, 1e-6 * pooled.max()))  # up to 50, of sums of 2,000 terms
        close(model.states(features), reference[f"lstm_{strand}"])


@pytest.mark.parametrize("name", DEEPGRN)
class TestDeepGRN:
    @pytest.fixture
    def model(self, name: str, real_data: RealData) -> Any:
        return imported(real_data(f"models/deepgrn/{name}.h5"))

    @pytest.fixture
    def reference(self, name: str, real_data: RealData) -> Any:
        return np.load(real_data(f"models/refs/deepgrn/{name}.npz"))

    def test_it_has_every_parameter_of_the_file(self, name: str, model: Any) -> None:
        assert n_parameters(model) == DEEPGRN[name]

    def test_its_outputs_and_those_of_both_strands_are_the_references(self, model: Any, reference: Any) -> None:
        check_strands(model, reference)

    def test_its_steps_are_the_references(self, model: Any, reference: Any) -> None:
        check_steps(model, reference)

    def test_its_attention_is_the_references_on_both_strands(self, name: str, model: Any, reference: Any) -> None:
        tolerance = CLOSE_PAIR if name == "EGR1_pair" else CLOSE
        forward, reverse = model.attention_weights(*inputs(reference)[:2])
        close(forward, reference["attention_forward"], tolerance)
        close(reverse, reference["attention_reverse"], tolerance)

    def test_the_first_dense_layer_gives_the_references(self, model: Any, reference: Any) -> None:
        found: list[torch.Tensor] = []
        handle = model.first.register_forward_hook(lambda _, __, out: found.append(out))
        model.strand_logits(*inputs(reference))
        handle.remove()
        close(found[0].relu(), reference["dense_before_meta_forward"])
        close(found[1].relu(), reference["dense_before_meta_reverse"])


def test_single_attention_before_its_mean_is_the_references(real_data: RealData) -> None:
    model: Any = imported(real_data("models/deepgrn/EGR1_single.h5"))
    reference = np.load(real_data("models/refs/deepgrn/EGR1_single.npz"))
    model.double().attention.merged = False  # in float32 one weight in 65,536 is 1.1e-5 off
    forward, reverse = model.attention_weights(*(given.double() for given in inputs(reference)[:2]))
    close(forward.transpose(1, 2), reference["attention_channels_forward"])
    close(reverse.transpose(1, 2), reference["attention_channels_reverse"])


FACTORNET = "models/factornet/MAX/onePeak_Unique35_DGF/final_model.hdf5"


def test_factornet_gives_the_references(real_data: RealData) -> None:
    model = imported(real_data(FACTORNET))
    reference = np.load(real_data("models/refs/factornet/MAX__onePeak_Unique35_DGF.npz"))
    assert n_parameters(model) == 275_713
    check_strands(model, reference)
    check_steps(model, reference)


def test_factornet_with_kernels_as_stored_gives_the_wrong_reference(real_data: RealData) -> None:
    model: Any = imported(real_data(FACTORNET))
    reference = np.load(real_data("models/refs/factornet/MAX__onePeak_Unique35_DGF.npz"))
    with torch.no_grad():
        model.stages[0].block[0].weight.copy_(model.stages[0].block[0].weight.flip(2))
    output = model(*inputs(reference))[:, 0].sigmoid().detach()
    close(output, reference["output_if_kernel_not_flipped"])
    assert float((output - torch.from_numpy(reference["output"])).abs().max()) > 0.01


def test_a_factornet_without_uniqueness_has_its_parameters(real_data: RealData) -> None:
    model: Any = imported(real_data("models/factornet/FOXA1/onePeak_DGF/final_model.hdf5"))
    assert n_parameters(model) == 256_769
    assert list(model.inputs.tracks) == ["dnase"]


def test_the_papers_cnn_gives_the_references(real_data: RealData) -> None:
    folder = real_data("models/pap_megyeri")
    model: Any = imported(next(folder.glob("*.hdf5")))
    reference = np.load(real_data("models/refs/pap_megyeri/MAFK_discovery_90.npz"))
    assert n_parameters(model) == 255_006
    (x,) = inputs(reference)
    first = model.conv1(torch.nn.functional.pad(x, (11, 12)))
    second = model.conv2(torch.nn.functional.pad(first.relu(), (5, 6)))
    close(first[:2].transpose(1, 2), reference["conv1_preactivation"])
    close(second[:2].transpose(1, 2), reference["conv2_preactivation"])
    pooled = second.relu().amax(dim=-1)
    close(pooled, reference["pooled"])
    close(model.dense(pooled).relu(), reference["hidden"])
    logit = model(x)[:, 0]
    close(logit, reference["logits"][:, 1] - reference["logits"][:, 0])
    close(logit.sigmoid(), reference["output"][:, 1])


@pytest.mark.parametrize("columns", ["ACGT", "AGCT"])
def test_another_order_of_columns_is_another_model(columns: str, real_data: RealData) -> None:
    reference = np.load(real_data("models/refs/deepgrn/EGR1_single.npz"))
    published = load(real_data("models/deepgrn/EGR1_single.h5"), Wanted(columns=columns))
    model = MODELS.build(published.spec, n_tasks=1, window=published.window).eval()
    model.load_state_dict(published.weights)
    wrong = model(*inputs(reference))[:, 0].sigmoid().detach().numpy()
    assert np.abs(wrong - reference["output"]).max() > 0.05  # the references' README says .08 to .53
