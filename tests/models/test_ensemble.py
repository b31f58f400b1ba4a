"""Several models that answer as one."""

from typing import Any

import pytest
import torch

from holdfast.core.errors import ConfigError
from holdfast.core.registry import Spec
from holdfast.models import MODELS, SequenceModel
from holdfast.models.ensemble import Ensemble
from holdfast.models.holdfast_net import HoldfastNet
from holdfast.models.pap_megyeri import PapMegyeriCNN


def sequences(n: int = 5, length: int = 60) -> torch.Tensor:
    base = torch.randint(0, 4, (n, length), generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.one_hot(base, 4).transpose(1, 2).float()


@pytest.mark.parametrize("mean", ["logits", "probabilities"])
def test_an_ensemble_of_one_equals_its_member(mean: Any) -> None:
    member, x = PapMegyeriCNN().eval(), sequences()
    model = Ensemble([member], mean).eval()
    torch.testing.assert_close(model(x), member(x), rtol=1e-5, atol=1e-6)  # through logarithms and back
    torch.testing.assert_close(model.scan(x, 50), member.scan(x, 50), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(model.penalised_forward(x)[1], member.penalised_forward(x)[1])


def test_the_answer_is_the_mean_of_what_was_asked_for() -> None:
    members, x = [PapMegyeriCNN(), HoldfastNet(), HoldfastNet()], sequences()
    logits = torch.stack([member.eval()(x) for member in members])
    torch.testing.assert_close(Ensemble(members).eval()(x), logits.mean(0))
    probability = Ensemble(members, "probabilities").eval()(x).sigmoid()
    torch.testing.assert_close(probability, logits.sigmoid().mean(0))


def test_every_member_scans_in_its_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    members, x, seen = [PapMegyeriCNN(), HoldfastNet()], sequences(), []
    for member in members:
        plain = member.scan
        monkeypatch.setattr(member, "scan", lambda s, w, plain=plain, m=member: seen.append(m) or plain(s, w))
    assert Ensemble(members).eval().scan(x, 50).shape == (5, 11, 1)
    assert seen == members


def test_all_weights_are_trained_with_the_members_own_groups() -> None:
    model = Ensemble([PapMegyeriCNN(), HoldfastNet()])
    grouped = [p for group in model.parameter_groups() for p in group["params"]]  # type: ignore[attr-defined]
    assert {id(p) for p in grouped} == {id(p) for p in model.parameters()}


def test_members_are_given_by_name_and_share_the_tasks() -> None:
    page = {"members": ["holdfast", {"name": "siamese", "params": {"model": "pap_megyeri"}}]}
    model = MODELS.build(Spec(name="ensemble", params=page), n_tasks=3, window=60)
    assert model.n_tasks == 3
    assert model.both_strands
    resolved = MODELS.resolve(Spec(name="ensemble", params=page), without=("n_tasks", "window"))
    assert resolved.params["members"][1]["params"]["model"]["params"]["padding"] == "same"


class Flattened(SequenceModel):
    def __init__(self, window: int) -> None:
        super().__init__()
        self.n_tasks, self.fixed_window = 1, window

    def forward(self, sequence: torch.Tensor) -> torch.Tensor:
        return sequence.sum((1, 2))[:, None]


def test_members_that_cannot_answer_together_are_refused() -> None:
    assert Ensemble([Flattened(50), HoldfastNet()]).fixed_window == 50
    with pytest.raises(ConfigError, match="windows of 50 and 60 bp"):
        Ensemble([Flattened(50), Flattened(60)])
    with pytest.raises(ConfigError, match=r"different tasks: \[1, 2\]"):
        Ensemble([HoldfastNet(), HoldfastNet(n_tasks=2)])
    with pytest.raises(ConfigError, match="members is empty"):
        Ensemble([])
    with pytest.raises(ConfigError, match="a list, each a model by name"):
        MODELS.build(Spec(name="ensemble", params={"members": "holdfast"}))
    with pytest.raises(ConfigError, match="'logits' or 'probabilities', got 'ranks'"):
        Ensemble([HoldfastNet()], "ranks")  # type: ignore[arg-type]
