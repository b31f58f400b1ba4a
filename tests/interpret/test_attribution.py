"""Every attribution method keeps one contract, and is right where the answer is known."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from holdfast.core.errors import InputError
from holdfast.core.registry import Spec
from holdfast.dna.codes import one_hot
from holdfast.dna.edit import reverse_complement
from holdfast.interpret.attribution import ATTRIBUTIONS, Attributions
from holdfast.models.holdfast_net import HoldfastNet
from holdfast.models.zeng import ZengCNN

W = 24
# Fewer draws than by default.
QUICK: dict[str, dict[str, object]] = {
    "smoothgrad": {"samples": 3},
    "integrated-gradients": {"steps": 5},
    "expected-gradients": {"references": 2, "steps": 3},
    "deepshap": {"references": 3},
}


class Linear(nn.Module):
    """Adds up a weight for every base at every position."""

    def __init__(self, tasks: int = 2) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.weight = nn.Parameter(torch.randn(tasks, 4, W))

    def forward(self, sequence: Tensor) -> Tensor:
        return torch.einsum("nbw,tbw->nt", sequence, self.weight)


def windows(n: int = 5, *, unknown: bool = False) -> Tensor:
    codes = torch.randint(0, 4, (n, W), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    if unknown:
        codes[:, 3] = 4
    return codes


def explain(name: str, model: nn.Module, codes: Tensor, **params: object) -> Attributions:
    return ATTRIBUTIONS.build(Spec(name=name, params=QUICK.get(name, {}) | params))(model, codes)


@pytest.mark.parametrize("name", ATTRIBUTIONS)
class TestEveryMethod:
    def test_shapes_dtypes_and_finiteness(self, name: str) -> None:
        codes = windows()
        found = explain(name, HoldfastNet(), codes)
        assert found.per_base.shape == (5, W)
        assert found.per_base.dtype == np.float32
        assert np.isfinite(found.per_base).all()
        assert found.hypothetical is None or found.hypothetical.shape == (5, 4, W)
        assert (found.codes == codes.numpy()).all()

    def test_the_model_is_given_back_as_it_came(self, name: str) -> None:
        model = HoldfastNet().train()
        before = {key: value.clone() for key, value in model.state_dict().items()}
        explain(name, model, windows())
        assert model.training
        assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
        assert all(parameter.grad is None and parameter.requires_grad for parameter in model.parameters())

    def test_a_map_does_not_depend_on_the_batch(self, name: str) -> None:
        model, codes = HoldfastNet(), windows()
        together, apart = explain(name, model, codes), explain(name, model, codes, batch_size=2)
        # Sums of float32 in another order.
        np.testing.assert_allclose(together.per_base, apart.per_base, rtol=1e-3, atol=1e-5)

    def test_both_strands_give_mirrored_maps_of_a_sequence_and_its_reverse_complement(self, name: str) -> None:
        model = ZengCNN()
        codes = windows()
        forward = explain(name, model, codes, strands="both")
        turned = explain(name, model, reverse_complement(codes), strands="both")
        np.testing.assert_allclose(forward.per_base, turned.per_base[:, ::-1], rtol=1e-3, atol=1e-5)

    def test_an_unknown_base_contributes_nothing(self, name: str) -> None:
        found = explain(name, ZengCNN(), windows(unknown=True))
        assert (found.per_base[:, 3] == 0).all()

    def test_a_task_the_model_has_not_is_refused(self, name: str) -> None:
        with pytest.raises(InputError, match="asked for task 3"):
            ATTRIBUTIONS.build(Spec(name=name))(HoldfastNet(), windows(), task=3)


def centred(weight: Tensor) -> Tensor:
    return weight - weight.mean(dim=0, keepdim=True)


def test_gradients_of_a_linear_model_are_its_weights() -> None:
    model = Linear()
    found = ATTRIBUTIONS["gradient-x-input"]()(model, windows(), task=1)
    assert found.hypothetical is not None
    assert np.array_equal(found.hypothetical, model.weight[1].detach().expand(5, -1, -1).numpy())
    saliency = ATTRIBUTIONS["saliency"]()(model, windows(), task=1)
    assert np.array_equal(saliency.per_base[0], model.weight[1].detach().abs().amax(dim=0).numpy())


@pytest.mark.parametrize("name", ["corrected-gradient", "ism"])
def test_centred_methods_give_a_linear_models_centred_weights(name: str) -> None:
    model = Linear()
    found = explain(name, model, windows())
    expected = centred(model.weight[0].detach()).expand(5, -1, -1).numpy()
    assert found.hypothetical is not None
    # ISM takes differences of sums of 24 float32 terms.
    np.testing.assert_allclose(found.hypothetical, expected, atol=1e-5)


def test_contributions_stand_in_the_row_of_the_base_that_is_there() -> None:
    codes = windows(unknown=True)
    found = explain("gradient-x-input", Linear(), codes)
    rows = one_hot(codes).bool().numpy()
    assert (found.contributions[~rows] == 0).all()
    np.testing.assert_array_equal(found.contributions.sum(axis=1), found.per_base)


def test_windows_the_model_cannot_read_are_refused() -> None:
    with pytest.raises(InputError, match="reads windows of at least 17 bp; the windows have 10 bp"):
        explain("saliency", HoldfastNet(), torch.zeros(1, 10, dtype=torch.uint8))
    with pytest.raises(InputError, match=r"expected torch\.uint8"):
        explain("saliency", HoldfastNet(), torch.zeros(1, 24))


class Answering(nn.Module):
    """Answers with what a function makes of (N, 2) logits."""

    def __init__(self, answer: Callable[[Tensor], object]) -> None:
        super().__init__()
        self.linear, self.answer = nn.Linear(4 * 24, 2), answer

    def forward(self, sequence: Tensor) -> object:
        return self.answer(self.linear(sequence.flatten(1)))


@pytest.mark.parametrize("name", ["ism", "corrected-gradient", "deepshap"])
@pytest.mark.parametrize(
    ("answer", "task", "words"),
    [
        (lambda logits: logits[:, 0], 0, r"Answering answers with a shape of \(\d+,\); expected \(N, T\) logits"),
        (lambda logits: (logits,), 0, "Answering answers with a tuple"),
        (lambda logits: logits, 2, "with T above task 2"),
        (lambda logits: logits, -1, "with T above task -1"),
    ],
)
def test_somebodys_module_that_gives_no_logits_of_the_task_is_refused(
    name: str, answer: Callable[[Tensor], object], task: int, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        ATTRIBUTIONS[name]()(Answering(answer), windows(), task=task)
