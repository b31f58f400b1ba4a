"""Models put together from blocks."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from holdfast.core.errors import ConfigError
from holdfast.core.registry import Spec
from holdfast.models import MODELS
from holdfast.models.base import loop_over_windows
from holdfast.models.blocks import BLOCKS
from holdfast.models.layers import sliding_logsum
from holdfast.models.modular import Modular
from holdfast.models.stored import load_weights, save_weights

CONV = {"name": "conv", "filters": 8, "width": 7}
COMPOSITIONS: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "conv": ([CONV], {}),
    "exponential": ([{**CONV, "activation": "exponential"}, {"name": "conv", "width": 3}], {"pool": "mean"}),
    "logsum": ([CONV], {"pool": "logsum", "hidden": 0}),
    "flatten": ([CONV, {"name": "pool", "width": 4}], {"pool": "flatten", "hidden": 16}),
    "pools": ([CONV, {"name": "pool", "width": 3, "stride": 2}, {"name": "conv", "width": 3}, "pool"], {}),
    "circular": ([{"name": "circular", "filters": 8, "width": 6}], {}),
    "constrained": ([{"name": "constrained", "filters": 8, "width": 6}, {"name": "conv", "width": 2}], {}),
    "thermodynamic": ([{"name": "thermodynamic", "filters": 8, "width": 6}], {"pool": "mean", "hidden": 0}),
    "one strand": ([{"name": "thermodynamic", "filters": 8, "width": 6, "strands": "forward"}], {"pool": "logsum"}),
    "dilated": ([CONV, {"name": "dilated_residual", "layers": 3, "dropout": 0.1}], {"pool": "mean"}),
    "even width": ([CONV, {"name": "dilated_residual", "layers": 2, "width": 4}], {}),
    "dense": ([CONV, {"name": "dense_block", "layers": 3, "growth": 4}, {"name": "pool", "width": 3}], {"hidden": 8}),
    "attention": ([CONV, {"name": "pool", "width": 3}, {"name": "attention", "heads": 2}], {"pool": "mean"}),
    "odd features": ([{**CONV, "filters": 9}, {"name": "attention", "heads": 3}], {"pool": "flatten"}),
    "bilstm": ([CONV, {"name": "pool", "width": 3}, {"name": "bilstm", "units": 5}], {}),
    "after bilstm": ([CONV, {"name": "bilstm", "units": 5}, {"name": "conv", "filters": 6, "width": 4}, "pool"], {}),
    "bases first": ([{"name": "attention", "heads": 1}, {"name": "bilstm", "units": 4}], {"pool": "mean"}),
    "everything": (
        [CONV, "dense_block", {"name": "pool"}, {"name": "dilated_residual", "layers": 2}, "attention", "bilstm"],
        {"pool": "logsum"},
    ),
}
WINDOW = 44
SEES_WHOLE_WINDOWS = ["bases first"]


def build(name: str, n_tasks: int = 1) -> Modular:
    blocks, head = COMPOSITIONS[name]
    torch.manual_seed(0)
    model = Modular(blocks, head, n_tasks=n_tasks, window=WINDOW)
    for layer in model.modules():
        if isinstance(layer, torch.nn.BatchNorm1d):  # as after some training
            torch.nn.init.normal_(layer.running_mean)
            torch.nn.init.uniform_(layer.running_var, 0.5, 2)
    return model


def sequences(n: int = 4, length: int = WINDOW) -> torch.Tensor:
    base = torch.randint(0, 5, (n, length), generator=torch.Generator().manual_seed(1))
    return torch.nn.functional.one_hot(base, 5)[..., :4].transpose(1, 2).float()


@pytest.mark.parametrize("name", COMPOSITIONS)
class TestEveryComposition:
    def test_it_returns_one_logit_per_task(self, name: str) -> None:
        assert build(name, 3)(sequences()).shape == (4, 3)

    def test_every_parameter_gets_a_finite_gradient(self, name: str) -> None:
        model = build(name, 2).train()
        model(sequences(16)).square().sum().backward()
        for parameter_name, parameter in model.named_parameters():
            assert parameter.grad is not None, parameter_name
            assert torch.isfinite(parameter.grad).all(), parameter_name

    @pytest.mark.parametrize("slack", [0, 1, 17])
    def test_the_scan_equals_the_plain_loop(self, name: str, slack: int) -> None:
        model, x = build(name, 2).double().eval(), sequences(3, WINDOW + slack).double()
        assert model.scans_fast == (name not in SEES_WHOLE_WINDOWS)
        with torch.no_grad():
            fast, slow = model.scan(x, WINDOW), loop_over_windows(model, x, WINDOW)
        torch.testing.assert_close(fast, slow, rtol=1e-10, atol=1e-10)  # float64: sums in another order

    def test_the_shortest_window_is_read_and_no_shorter_one(self, name: str) -> None:
        model = build(name).eval()
        if model.fixed_window is not None:
            assert model.fixed_window == WINDOW
            return
        shortest = model.min_window
        assert torch.isfinite(model(sequences(2, shortest))).all()
        with pytest.raises(ConfigError, match=f"at least {shortest} bp, the window is {shortest - 1}"):
            Modular(*COMPOSITIONS[name], window=shortest - 1)

    def test_a_torch_exported_copy_gives_the_same_numbers(self, name: str) -> None:
        model, x = build(name).eval(), sequences()
        exported = torch.export.export(model, (x,)).module()
        torch.testing.assert_close(exported(x), model(x), rtol=1e-5, atol=1e-6)

    def test_its_page_with_defaults_written_out_builds_it_and_reads_its_weights(
        self, name: str, tmp_path: Path
    ) -> None:
        blocks, head = COMPOSITIONS[name]
        page = MODELS.resolve(
            Spec(name="modular", params={"blocks": blocks, "head": head}), without=("n_tasks", "window")
        )
        page = Spec.model_validate_json(page.model_dump_json())
        model, x = build(name).eval(), sequences()
        save_weights(model, tmp_path / "w.safetensors")
        again = load_weights(page, tmp_path / "w.safetensors", n_tasks=1, window=WINDOW)
        assert torch.equal(model(x), again(x))


@pytest.mark.parametrize("name", ["everything", "circular", "constrained", "thermodynamic"])
def test_a_copy_in_onnx_gives_the_same_numbers(name: str, tmp_path: Path) -> None:
    model, x = build(name).eval(), sequences()
    torch.onnx.export(model, (x,), tmp_path / "m.onnx", dynamo=True, verbose=False, external_data=False)
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    (logits,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    # Another library's kernels, in float32.
    np.testing.assert_allclose(logits, model(x).detach().numpy(), rtol=1e-4, atol=1e-5)


def test_every_block_is_in_some_composition() -> None:
    used = {
        block if isinstance(block, str) else block["name"] for blocks, _ in COMPOSITIONS.values() for block in blocks
    }
    assert used == set(BLOCKS)


def test_windows_are_read_in_bounded_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    model, x = build("bilstm").eval(), sequences(3, WINDOW + 9)
    whole = model.scan(x, WINDOW)
    seen: list[int] = []
    plain = model._read_rows
    monkeypatch.setattr(model, "_read_rows", lambda part: seen.append(len(part)) or plain(part))
    monkeypatch.setattr("holdfast.models.modular.READ_OUT_VALUES", 8 * 10 * 12 * 4)
    torch.testing.assert_close(model.scan(x, WINDOW), whole)
    assert max(seen) == 4  # 10 features at 12 positions, eight times over


@pytest.mark.parametrize("wrapper", ["siamese", "rc_shared", "rc_pooled"])
def test_a_modular_model_is_wrapped_like_any_other(wrapper: str) -> None:
    page = {"model": {"name": "modular", "params": {"blocks": [CONV, "bilstm"]}}}
    model = MODELS.build(Spec(name=wrapper, params=page), n_tasks=2, window=30)
    assert model.eval()(sequences(3, 30)).shape == (3, 2)


@pytest.mark.parametrize("block", ["constrained", "thermodynamic"])
def test_filters_made_of_other_weights_are_not_tied(block: str) -> None:
    page = {"model": {"name": "modular", "params": {"blocks": [{"name": block, "filters": 8}]}}}
    with pytest.raises(ConfigError, match="made of other weights or strands"):
        MODELS.build(Spec(name="rc_shared", params=page))


@pytest.mark.parametrize(
    ("blocks", "head", "message"),
    [
        (["covn"], None, "unknown block 'covn': did you mean 'conv'"),
        ([{"name": "conv", "filter": 3}], None, "block 'conv' has no parameter 'filter': did you mean 'filters'"),
        ([{"name": "conv", "filters": 0}], None, "filters is a whole number from 1, got 0"),
        ([{"name": "conv", "width": True}], None, "width is True; expected a whole number"),
        ([{"name": "conv", "activation": "rellu"}], None, "unknown activation 'rellu': did you mean 'relu'"),
        ([{"name": "conv", "dropout": 1}], None, "dropout is at least 0 and less than 1, got 1"),
        ([{"name": "conv", "in_channels": 4}], None, "block 'conv' is told 'in_channels' by what comes before it"),
        ([{"filters": 3}], None, "a block is a name, or"),
        ([], None, "blocks is a list of one block or more"),
        ("conv", None, "blocks is a list of one block or more, got 'conv'"),
        (
            ["conv", "constrained"],
            None,
            "'constrained' reads the four bases: it comes first, and here it would read 64",
        ),
        (["conv", "thermodynamic"], None, "'thermodynamic' reads the four bases"),
        (
            [{"name": "thermodynamic", "strands": "both"}],
            None,
            "strands is 'both'; expected 'sum' or 'mean'",
        ),
        (["conv", {"name": "attention", "heads": 5}], None, "64 features cannot be shared among 5 heads"),
        (["conv"], {"pool": "median"}, "pool is 'median'; expected 'max' or 'mean'"),
        (["conv"], {"hiden": 3}, "part 'head' has no parameter 'hiden': did you mean 'hidden'"),
        (["conv"], {"hidden": -1}, "hidden is a whole number from 1, got -1"),
        (["conv"], {"n_tasks": 2}, "head is told 'n_tasks' by what comes before it"),
        (["conv"], "max", "head is a mapping"),
        (["conv"], {"pool": "flatten"}, "needs to know the window"),
    ],
)
def test_what_cannot_be_built_is_refused_with_the_reason(blocks: Any, head: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Modular(blocks, head)


@pytest.mark.parametrize("width", range(1, 12))
def test_a_sliding_logsum_equals_the_plain_one(width: int) -> None:
    x = 30 * torch.randn(2, 3, 11, dtype=torch.double)
    torch.testing.assert_close(sliding_logsum(x, width), x.unfold(-1, width, 1).logsumexp(-1))
