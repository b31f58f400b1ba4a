"""What every registered model promises."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from holdfast.core.errors import ConfigError, InputError
from holdfast.core.parameters import parameter_types
from holdfast.core.registry import Spec
from holdfast.models import MODELS
from holdfast.models.base import ClosedFormModel, ModelFacts, SequenceModel
from holdfast.models.holdfast_net import HoldfastNet
from holdfast.models.kmer import KmerLogistic, canonical_kmers
from holdfast.models.layers import sliding_max, sliding_mean
from holdfast.models.pap_megyeri import PapMegyeriCNN
from holdfast.models.stored import load_weights, n_parameters, save_weights


def build(name: str, n_tasks: int = 1) -> SequenceModel:
    """The registered defaults at a window short enough for a test."""
    torch.manual_seed(0)
    return MODELS.build(spec(name), n_tasks=n_tasks, window=facts(name).short_window)


def spec(name: str) -> Spec:
    return Spec(name=name, params=dict(facts(name).needs))


def facts(name: str) -> ModelFacts:
    return MODELS[name].facts  # type: ignore[attr-defined]


def sequences(n: int = 5, length: int = 60, seed: int = 0) -> torch.Tensor:
    base = torch.randint(0, 4, (n, length), generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.one_hot(base, 4).transpose(1, 2).float()


@pytest.mark.parametrize("name", list(MODELS))
class TestEveryModel:
    @pytest.fixture
    def x(self, name: str) -> torch.Tensor:
        return sequences(length=facts(name).short_window)

    @pytest.mark.parametrize("n_tasks", [1, 3])
    def test_it_returns_one_logit_per_task(self, name: str, n_tasks: int, x: torch.Tensor) -> None:
        model = build(name, n_tasks)
        assert model.n_tasks == n_tasks
        assert model(x).shape == (5, n_tasks)

    def test_examples_of_a_batch_do_not_meet_in_eval_mode(self, name: str, x: torch.Tensor) -> None:
        model = build(name).eval()
        alone = torch.cat([model(x[i : i + 1]) for i in range(5)])
        torch.testing.assert_close(model(x), alone, rtol=1e-5, atol=1e-6)  # sums of another order

    def test_every_parameter_gets_a_finite_gradient(self, name: str) -> None:
        model = build(name, 2).train()
        logits, penalty = model.penalised_forward(sequences(32, facts(name).short_window))
        (logits.square().sum() + penalty).backward()
        for parameter_name, parameter in model.named_parameters():
            assert parameter.grad is not None, parameter_name
            assert torch.isfinite(parameter.grad).all(), parameter_name

    def test_weights_survive_saving_to_the_bit(self, name: str, x: torch.Tensor, tmp_path: Path) -> None:
        model = build(name).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.1)
        save_weights(model, tmp_path / "w.safetensors")
        again = load_weights(spec(name), tmp_path / "w.safetensors", n_tasks=1, window=facts(name).short_window)
        assert torch.equal(model(x), again(x))

    def test_unknown_bases_are_columns_of_zeros_and_give_a_finite_answer(self, name: str, x: torch.Tensor) -> None:
        model = build(name).eval()
        x[:, :, 10:30] = 0
        assert torch.isfinite(model(x)).all()
        assert torch.isfinite(model(torch.zeros_like(x))).all()

    def test_it_has_the_stated_number_of_parameters(self, name: str) -> None:
        stated = facts(name)
        with torch.device("meta"):  # counts without storing: the largest has tens of millions
            model = MODELS.build(spec(name), n_tasks=stated.n_tasks, window=stated.window)
        assert n_parameters(model) == stated.n_parameters

    def test_one_step_down_the_gradient_lowers_the_loss(self, name: str) -> None:
        model = build(name).eval()
        if isinstance(model, ClosedFormModel):
            pytest.skip("solved for, not trained by steps")
        x, y = sequences(64, facts(name).short_window), (torch.arange(64) % 2)[:, None].float()

        def loss() -> torch.Tensor:
            return torch.nn.functional.binary_cross_entropy_with_logits(model(x), y)

        before = loss()
        before.backward()
        slope = sum(float(p.grad.square().sum()) for p in model.parameters() if p.grad is not None)
        with torch.no_grad():
            for p in model.parameters():
                if p.grad is not None:
                    p -= 1e-3 / slope**0.5 * p.grad
        assert loss() < before

    def test_a_torch_exported_copy_gives_the_same_numbers(self, name: str, x: torch.Tensor) -> None:
        model = build(name).eval()
        exported = torch.export.export(model, (x,)).module()
        torch.testing.assert_close(exported(x), model(x), rtol=1e-5, atol=1e-6)

    def test_a_copy_in_onnx_gives_the_same_numbers(self, name: str, x: torch.Tensor, tmp_path: Path) -> None:
        model = build(name).eval()
        torch.onnx.export(model, (x,), tmp_path / "m.onnx", dynamo=True, verbose=False, external_data=False)
        session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
        (logits,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
        # Another library's kernels, in float32.
        np.testing.assert_allclose(logits, model(x).detach().numpy(), rtol=1e-4, atol=1e-5)

    def test_weights_of_another_model_are_refused(self, name: str, tmp_path: Path) -> None:
        save_weights(KmerLogistic(k=2), tmp_path / "w.safetensors")
        with pytest.raises(InputError, match="not the weights of model"):
            load_weights(spec(name), tmp_path / "w.safetensors", n_tasks=1, window=facts(name).short_window)


def test_the_default_of_holdfast_is_small() -> None:
    assert n_parameters(MODELS["holdfast"]()) < 1_000_000


@pytest.mark.parametrize("name", list(MODELS))
def test_a_model_says_whether_both_strands_get_one_answer(name: str) -> None:
    model, x = build(name).eval(), sequences(length=facts(name).short_window)
    same = torch.allclose(model(x.flip(1, 2)), model(x), rtol=1e-5, atol=1e-6)  # sums of another order
    assert model.both_strands == same
    assert facts(name).strands != "as given" or not same


def test_the_papers_padding_is_torchs_same_padding() -> None:
    model, x = build("pap_megyeri").eval(), sequences()
    first = torch.nn.functional.conv1d(x, model.conv1.weight, model.conv1.bias, padding="same").relu()
    second = torch.nn.functional.conv1d(first, model.conv2.weight, model.conv2.bias, padding="same").relu()
    torch.testing.assert_close(model(x), model.head(second.amax(dim=-1)))


def test_the_papers_penalty_is_l2_on_kernels_and_l1_before_the_relu() -> None:
    model, x = build("pap_megyeri").eval(), sequences()
    before: list[torch.Tensor] = []
    handles = [layer.register_forward_hook(lambda *a: before.append(a[2])) for layer in (model.conv1, model.conv2)]
    _, penalty = model.penalised_forward(x)
    for handle in handles:
        handle.remove()
    l2 = sum(float((layer.weight**2).sum()) for layer in (model.conv1, model.conv2))
    l1 = sum(float(out.abs().sum()) for out in before) / len(x)
    assert float(penalty) == pytest.approx(5e-4 * l2 + 5e-5 * l1, rel=1e-5)


@pytest.mark.parametrize("name", list(MODELS))
def test_every_parameter_says_what_it_may_be_and_nothing_else_is_taken(name: str) -> None:
    for key in MODELS.parameters(name):
        assert key in parameter_types(MODELS[name]), f"parameter {key} has no annotation"
        with pytest.raises(ConfigError, match=f"^model '{name}': {key} is .*; expected|^part '{key}' has no"):
            MODELS.build(Spec(name=name, params={key: {"no": ["such", "thing"]}}))
    counted = {"n_tasks": np.int64(2)} if "n_tasks" in MODELS.parameters(name) else {}
    asked = Spec(name=name, params={**spec(name).params, **counted})
    assert MODELS.build(asked, n_tasks=2, window=facts(name).short_window).n_tasks == 2


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: HoldfastNet(widths=(0, 9)), "HoldfastNet: widths is .*from 1 to 1000000"),
        (lambda: HoldfastNet((9, 9), (4,)), "HoldfastNet: filters is .*a list of 2"),
        (lambda: KmerLogistic(0), "KmerLogistic: k is 0; expected a whole number from 1 to 10"),
        (lambda: PapMegyeriCNN(n_tasks=1.5), "PapMegyeriCNN: n_tasks is 1.5; expected a whole number"),
    ],
)
def test_a_constructor_called_by_a_script_refuses_in_the_same_words(build: Callable[[], object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        build()


def test_starred_rows_have_no_penalty_and_no_dropout() -> None:
    model = MODELS["pap_megyeri"](regularised=False).train()
    logits, penalty = model.penalised_forward(sequences())
    assert float(penalty) == 0
    assert torch.equal(logits, model(sequences()))


def test_valid_padding_reads_nothing_shorter_than_its_receptive_field() -> None:
    assert MODELS["pap_megyeri"](padding="valid").min_window == 35
    with pytest.raises(ConfigError, match="'same' or 'valid'"):
        MODELS["pap_megyeri"](padding="reflect")


@pytest.mark.parametrize("width", range(1, 14))
def test_sliding_reductions_equal_plain_ones(width: int) -> None:
    x = torch.randn(2, 3, 13)
    windows = x.unfold(-1, width, 1)
    assert torch.equal(sliding_max(x, width), windows.amax(dim=-1))
    torch.testing.assert_close(sliding_mean(x, width), windows.mean(dim=-1))


def test_canonical_kmers_pair_each_with_its_reverse_complement() -> None:
    canonical = canonical_kmers(3)
    letters = ["".join("ACGT"[n // 4**p % 4] for p in (2, 1, 0)) for n in range(64)]
    other = str.maketrans("ACGT", "TGCA")
    for number, word in enumerate(letters):
        assert letters[canonical[number]] == min(word, word.translate(other)[::-1])


def test_the_control_is_scikit_learns_regression_on_counts() -> None:
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (200, 50), dtype=np.uint8)
    labels = rng.integers(0, 2, (200, 1)).astype(np.int8)
    other = str.maketrans("ACGT", "TGCA")
    texts = ["".join("ACGT"[c] for c in row) for row in codes]
    words = [" ".join(min(t[i : i + 4], t[i : i + 4].translate(other)[::-1]) for i in range(47)) for t in texts]
    counts = CountVectorizer(lowercase=False).fit_transform(words)
    expected = LogisticRegression(C=0.1, max_iter=2000).fit(counts, labels[:, 0]).decision_function(counts)
    model = KmerLogistic(k=4, C=0.1)
    model.fit_windows(codes, labels)
    x = torch.nn.functional.one_hot(torch.from_numpy(codes).long(), 4).transpose(1, 2).float()
    # The solver stops at a tolerance of 1e-4.
    np.testing.assert_allclose(model(x)[:, 0].detach().numpy(), expected, atol=2e-2)


def test_a_kmer_with_an_unknown_base_counts_nowhere() -> None:
    model = KmerLogistic(k=3)
    codes = torch.tensor([[0, 0, 4, 0, 0, 0]], dtype=torch.uint8)
    assert model.kmers(codes).tolist() == [[-1, -1, -1, 0]]
