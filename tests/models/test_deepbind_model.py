"""DeepBind: its pieces against plain loops, and the published models against their reference scores."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from holdfast.core.errors import ConfigError
from holdfast.dna.codes import one_hot
from holdfast.models import MODELS
from holdfast.models.base import loop_over_windows
from holdfast.models.deepbind import DeepBind, context_scores, windowed_scores
from holdfast.models.published import Wanted
from holdfast.models.published_deepbind import load, recognise

PUBLISHED = ("D00328.018", "D00317.009", "D00210.001")
VARIANTS = [
    {"hidden": hidden, "average_pool": average, "both_strands": both}
    for hidden in (0, 5)
    for average in (False, True)
    for both in (False, True)
]


def randomised(**params: object) -> DeepBind:
    torch.manual_seed(3)
    model = DeepBind(n_detectors=6, detector_length=7, **params)  # type: ignore[arg-type]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.5)
    return model.double().eval()


def contexts(n: int, length: int) -> torch.Tensor:
    """With unknown bases."""
    codes = torch.randint(0, 5, (n, length), generator=torch.Generator().manual_seed(1))
    return torch.nn.functional.one_hot(codes, 5)[..., :4].transpose(1, 2).double()


@torch.no_grad()
def by_hand(model: DeepBind, window: torch.Tensor) -> float:
    """The score of one (4, W) window as the paper tells it, position by position."""
    weight, bias = model.detectors.weight, model.detectors.bias
    length, scores = weight.shape[-1], []
    for strand in (window, window.flip(0, 1))[: 2 if model.both_strands else 1]:
        filled = torch.where(strand.sum(0) > 0, strand, torch.full_like(strand, 0.25))
        side = torch.full((4, length - 1), 0.25, dtype=strand.dtype)
        padded = torch.cat([side, filled, side], dim=1)
        features = []
        for detector in range(len(weight)):
            places = range(padded.shape[1] - length + 1)
            found = [
                max(0.0, float((weight[detector] * padded[:, p : p + length]).sum() + bias[detector])) for p in places
            ]
            features += [max(found), sum(found) / len(found)] if model.average_pool else [max(found)]
        hidden = torch.tensor(features, dtype=strand.dtype)
        if model.hidden is not None:
            hidden = torch.relu(model.hidden.weight @ hidden + model.hidden.bias)
        scores.append(float(model.out.weight[0] @ hidden + model.out.bias[0]))
    return max(scores)


@pytest.mark.parametrize("params", VARIANTS, ids=str)
def test_the_score_is_the_one_told_in_the_paper(params: dict[str, object]) -> None:
    model, x = randomised(**params), contexts(4, 15)
    with torch.no_grad():
        scores = model(x)[:, 0]
    np.testing.assert_allclose(scores, [by_hand(model, one) for one in x], rtol=1e-12)  # float64


@pytest.mark.parametrize("params", VARIANTS, ids=str)
@pytest.mark.parametrize("window", [5, 7, 8, 20])
def test_windows_share_what_overhangs_their_ends(params: dict[str, object], window: int) -> None:
    model, x = randomised(**params), contexts(3, 31)
    with torch.no_grad():
        fast, slow = model.scan(x, window), loop_over_windows(model, x, window)
    torch.testing.assert_close(fast, slow, rtol=1e-11, atol=1e-12)  # float64: the same products in another order


def test_a_sequence_and_its_reverse_complement_have_one_score() -> None:
    model, x = randomised(), contexts(5, 20)
    torch.testing.assert_close(model(x), model(x.flip(1, 2)))


def test_only_the_winning_strand_is_trained() -> None:
    """The gradient of the maximum is that of a one-strand model shown the winner."""
    model, x = randomised(), contexts(6, 20)
    single = randomised(both_strands=False)
    single.load_state_dict(model.state_dict())
    strands = torch.stack([single(x), single(x.flip(1, 2))])[..., 0]
    assert len(set(strands.argmax(0).tolist())) == 2  # each strand wins somewhere
    winner = torch.where((strands[0] >= strands[1])[:, None, None], x, x.flip(1, 2))
    model(x).sum().backward()
    single(winner).sum().backward()
    for one, other in zip(model.parameters(), single.parameters(), strict=True):
        assert one.grad is not None
        torch.testing.assert_close(one.grad, other.grad)


def test_a_tie_belongs_to_the_forward_strand() -> None:
    pooled = torch.ones(1, 12, dtype=torch.double, requires_grad=True)
    randomised().head(pooled).sum().backward()
    assert pooled.grad is not None
    assert (pooled.grad[0, :6] != 0).all()
    assert (pooled.grad[0, 6:] == 0).all()


def test_the_penalty_is_the_sum_of_absolute_weights() -> None:
    model = randomised(hidden=5, l1_conv=0.1, l1_dense=0.01)
    _, penalty = model.penalised_forward(contexts(2, 20))
    assert isinstance(model.hidden, nn.Linear)
    dense = float(model.hidden.weight.detach().abs().sum() + model.out.weight.detach().abs().sum())
    assert float(penalty) == pytest.approx(0.1 * float(model.detectors.weight.detach().abs().sum()) + 0.01 * dense)


def test_first_weights_have_the_asked_deviations() -> None:
    torch.manual_seed(0)
    model = MODELS["deepbind"](n_detectors=400, hidden=400, conv_sd=1e-5, dense_sd=1e-3)
    # Of 38,400 and 160,000 normal numbers: the sample's deviation is within 2 % with near certainty.
    assert float(model.detectors.weight.std()) == pytest.approx(1e-5, rel=0.02)  # type: ignore[union-attr]
    assert float(model.hidden.weight.std()) == pytest.approx(1e-3, rel=0.02)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "wrong", [{"n_detectors": 0}, {"detector_length": 1}, {"hidden": -1}, {"conv_sd": 0.0}, {"l1_dense": -1.0}], ids=str
)
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="deepbind"):
        DeepBind(**wrong)  # type: ignore[arg-type]


def published(path: Path) -> DeepBind:
    found = load(path, Wanted())
    model = MODELS.build(found.spec, n_tasks=1)
    model.load_state_dict(found.weights)
    assert isinstance(model, DeepBind)
    return model.eval()


@pytest.mark.real_data
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_models_give_the_reference_scores(name: str, real_data: Callable[[str], Path]) -> None:
    path = real_data(f"models/deepbind_params/{name}.txt")
    held = np.load(real_data(f"models/refs/deepbind/{name}.npz"))
    assert recognise(path)
    model, x = published(path), one_hot(torch.from_numpy(held["sequence_codes"]))
    with torch.no_grad():
        strands = model.strand_scores(x)[:, 0]
        found = {"full": model(x)[:, 0], "windowed": windowed_scores(model, x)[:, 0]}
        found |= {"context": context_scores(model, x)[:, 0], "full_forward": strands[:, 0]}
        if model.both_strands:
            found["full_reverse"] = strands[:, 1]
        maps = model.feature_map(x[:2])[:, : model.detectors.out_channels].transpose(1, 2)
    for kind, scores in found.items():
        # float32 sums against a float64 reference.
        np.testing.assert_allclose(scores, held[f"score_{kind}"], rtol=0, atol=1e-5, err_msg=kind)
    np.testing.assert_allclose(maps, held["feature_map_forward"], rtol=0, atol=1e-5)


@pytest.mark.real_data
def test_the_authors_example_scores_come_out(real_data: Callable[[str], Path]) -> None:
    held = np.load(real_data("models/refs/deepbind/example_scores.npz"))
    for column, identity in enumerate(held["model_ids"]):
        model = published(real_data(f"models/deepbind_params/{identity}.txt"))
        for row, text in enumerate(held["sequences"]):
            codes = torch.tensor([["ACGT".index(letter.replace("U", "T")) for letter in text]], dtype=torch.uint8)
            with torch.no_grad():
                plain, context = windowed_scores(model, one_hot(codes)), context_scores(model, one_hot(codes))
            # The published table has six decimals of float32 arithmetic.
            assert float(plain) == pytest.approx(held["published"][row, column], abs=1e-5)
            assert float(context) == pytest.approx(held["published_context_padding_variant"][row, column], abs=1e-5)
