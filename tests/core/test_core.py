"""Registries, randomness, devices and files."""

import errno
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from holdfast.core.device import evaluating, resolve_device, unchanged
from holdfast.core.errors import ConfigError, InputError
from holdfast.core.files import write_text, writing
from holdfast.core.random import draw, mix_seed
from holdfast.core.registry import Registry, Spec


def make(size: int, *, colour: str = "red") -> tuple[int, str]:
    return size, colour


THINGS = Registry("thing", {"make": make})


def test_a_registry_builds_with_the_context_it_is_asked_for_and_no_more() -> None:
    assert THINGS.build(Spec(name="make"), size=3, flavour="sour") == (3, "red")
    assert THINGS.build(Spec(name="make", params={"colour": "blue"}), size=1) == (1, "blue")


def test_a_resolved_spec_builds_the_same_thing_whatever_the_defaults_become() -> None:
    spec = THINGS.resolve(Spec(name="make", params={"size": 2}))
    changed = Registry("thing", {"make": lambda size, colour="green": (size, colour)})
    assert changed.build(spec) == THINGS.build(spec) == (2, "red")


def test_a_thing_made_of_things_says_that_it_needs_one_by_name() -> None:
    class Pair:
        nested = ("parts",)

        def __init__(self, parts: list[Any]) -> None:
            self.parts = parts

    with pytest.raises(ConfigError, match="parts is not given; expected a list, each a thing by name, or its name and"):
        Registry("thing", {"pair": Pair}).build(Spec(name="pair"))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (Spec(name="mke"), "unknown thing 'mke': did you mean 'make'"),
        (Spec(name="make", params={"color": "blue"}), "no parameter 'color': did you mean 'colour'"),
        (Spec(name="make"), "thing 'make': size is not given; expected a whole number"),
    ],
)
def test_a_registry_refuses_and_suggests(spec: Spec, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        THINGS.build(spec)


def test_draws_are_uniform_and_belong_to_the_example() -> None:
    numbers = draw(torch.arange(20_000), 5, seed=1)
    assert numbers.shape == (20_000, 5)
    assert ((numbers >= 0) & (numbers < 1)).all()
    # Mean and variance of 100,000 uniform numbers: standard errors .0009 and .0003.
    assert numbers.mean().item() == pytest.approx(0.5, abs=0.004)
    assert numbers.var().item() == pytest.approx(1 / 12, abs=0.0012)
    correlation = torch.corrcoef(numbers.T) - torch.eye(5)
    assert correlation.abs().max() < 0.03
    assert torch.equal(draw(torch.tensor([77]), 5, seed=1)[0], numbers[77])
    assert not torch.equal(draw(torch.tensor([77]), 5, seed=2)[0], numbers[77])


def test_neighbouring_examples_and_columns_are_independent() -> None:
    numbers = draw(torch.arange(20_001), 1, seed=4)[:, 0]
    assert torch.corrcoef(torch.stack([numbers[1:], numbers[:-1]]))[0, 1].abs() < 0.03


def test_seeds_for_different_purposes_differ() -> None:
    assert len({mix_seed(1, purpose) for purpose in ("a", "b", 1, 11)} | {mix_seed(11, "a"), mix_seed(1, 1, 1)}) == 6


def test_evaluating_restores_every_mode() -> None:
    model = nn.Sequential(nn.Dropout(), nn.BatchNorm1d(2))
    model[1].eval()
    with pytest.raises(ZeroDivisionError), evaluating(model):
        assert not model[0].training
        assert not torch.is_grad_enabled()
        _ = 1 / 0
    assert model.training
    assert model[0].training
    assert not model[1].training


class Forgetful(nn.Module):
    """Changes, when asked, everything that a module can change of itself."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))
        self.frozen = nn.Parameter(torch.ones(2), requires_grad=False)
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))
        self.register_buffer("last", torch.zeros(2))
        self.register_buffer("absent", None)
        self.norm = nn.BatchNorm1d(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        self.last = x.mean(0)  # another tensor under the same name
        self.absent = x
        self.register_buffer("late", x)
        self.norm.train()(x)
        self.weight.data.mul_(2)
        self.frozen.requires_grad_(True)
        self.weight.grad = None
        return x * self.weight.sum()


def test_a_model_is_given_back_as_it_came_whatever_its_forward_does() -> None:
    model = Forgetful()
    model.norm.eval()
    model.weight.sum().backward()
    seen: list[int] = []
    hook = model.register_forward_hook(lambda *_: seen.append(1))
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    identity, gradient = {id(one) for one in (*model.parameters(), *model.buffers())}, model.weight.grad
    with unchanged(model), evaluating(model):
        model(torch.randn(4, 2, generator=torch.Generator().manual_seed(0)))
    after = model.state_dict()
    assert list(after) == list(state)
    assert all(torch.equal(after[name], value) for name, value in state.items())
    assert {id(one) for one in (*model.parameters(), *model.buffers())} == identity
    assert model.weight.grad is gradient
    assert (model.weight.requires_grad, model.frozen.requires_grad) == (True, False)
    assert (model.training, model.norm.training) == (True, False)
    assert seen == [1]
    assert hook.id in model._forward_hooks


def test_evaluating_alone_restores_buffers_even_after_an_error() -> None:
    model = Forgetful()
    with pytest.raises(ZeroDivisionError), evaluating(model):
        model(torch.randn(4, 2))
        _ = 1 / 0
    assert int(model.calls) == 0
    assert model.absent is None
    assert not hasattr(model, "late")
    assert int(model.norm.num_batches_tracked) == 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_every_tensor_goes_back_to_its_own_device() -> None:
    model = Forgetful()
    model.norm.cuda()
    homes = [one.device for one in (*model.parameters(), *model.buffers())]
    model.norm.weight.sum().backward()
    with unchanged(model), evaluating(model, torch.device("cuda")):
        assert {one.device.type for one in (*model.parameters(), *model.buffers())} == {"cuda"}
        model(torch.randn(4, 2, device="cuda"))
    assert [one.device for one in (*model.parameters(), *model.buffers())] == homes
    assert model.norm.weight.grad is not None
    assert torch.equal(model.weight, torch.ones(3))
    assert int(model.calls) == 0


def test_unknown_devices_are_refused() -> None:
    with pytest.raises(ConfigError, match="unknown device 'gpu'"):
        resolve_device("gpu")
    with pytest.raises(ConfigError, match="not supported"):
        resolve_device("meta")
    with pytest.raises(ConfigError, match="not on this machine"):
        resolve_device("cuda:99")


def test_a_file_that_fails_half_way_is_not_there(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "old")
    with pytest.raises(ZeroDivisionError), writing(tmp_path / "a") as handle:
        handle.write(b"half")
        _ = 1 / 0
    assert (tmp_path / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_full_disk_is_an_error_with_a_remedy_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="disk is full"), writing(tmp_path / "a"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_regular_file_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for special in (Path("/dev/null"), tmp_path / "folder"):
        with pytest.raises(InputError, match="no regular file"):
            write_text(special, "x")
    assert not Path("/dev/null").is_file()


def test_a_file_in_place_of_a_folder_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "file")
    with pytest.raises(InputError, match="choose another folder"):
        write_text(tmp_path / "a" / "b", "x")
