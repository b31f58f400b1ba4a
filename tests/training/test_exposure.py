"""What a step is shown: perturbed windows, in the stages and for the examples that the recipe says."""

from typing import Any

import pytest
import torch
from gattacag import SHIFT, dataset, small_model

from holdfast.data.batch import Batch
from holdfast.models.holdfast_net import HoldfastNet
from holdfast.robustness.adversaries import other_adversaries
from holdfast.robustness.attacks import ATTACKS, CentreShift, RandomShift, ShiftAttack, WorstShift
from holdfast.robustness.perturbations import Perturbation, ProjectedGradient, UniformNoise
from holdfast.training.exposure import Exposure
from holdfast.training.fit import Watch, fit
from holdfast.training.recipe import Stage, recipe
from holdfast.training.schedule import stage_attack, stage_perturbation

PGD = ProjectedGradient(epsilon=0.1, steps=3)


def exposure(attack: ShiftAttack, perturbation: Perturbation | None, **changes: Any) -> Exposure:
    plain = {"curriculum": [], "mixture": 0.0, "reverse_complement": 0.0}
    return Exposure(attack, perturbation, recipe("fast", plain | changes), seed=3)


def batch() -> Batch:
    return dataset(240).batch(range(80))


TARGET = Stage(attack="target", share=1)


def test_the_chosen_windows_are_what_is_perturbed() -> None:
    model, attack = small_model(), WorstShift(shift=SHIFT)
    shown, sequence = exposure(attack, PGD).training(model, batch(), TARGET, 4)
    assert torch.equal(shown.codes, attack(model, batch(), round_=4).codes)
    torch.testing.assert_close(sequence, PGD(model, shown, round_=4))
    again, moved = exposure(attack, PGD).validation(model, batch())
    torch.testing.assert_close(moved, PGD(model, again))


def test_nothing_is_perturbed_without_a_perturbation() -> None:
    made = exposure(CentreShift(shift=SHIFT), None)
    for shown, sequence in (made.training(small_model(), batch(), TARGET, 0), made.validation(small_model(), batch())):
        assert torch.equal(sequence, shown.one_hot())


def test_what_the_mixture_spares_is_neither_shifted_nor_perturbed() -> None:
    model, noise = small_model(), UniformNoise(epsilon=0.1)
    made = exposure(WorstShift(shift=SHIFT), noise, mixture=0.4, mixture_of="centre")
    shown, sequence = made.training(model, batch(), TARGET, 0)
    spared = (sequence == shown.one_hot()).all(dim=(1, 2))
    assert 0.2 < spared.float().mean() < 0.6
    centre = CentreShift(shift=SHIFT)(model, batch())
    assert torch.equal(shown.codes[spared], centre.codes[spared])
    assert not torch.equal(shown.codes[~spared], centre.codes[~spared])


def test_shuffled_copies_are_perturbed_too() -> None:
    made = exposure(CentreShift(shift=SHIFT), UniformNoise(epsilon=0.1), shuffled_negatives=True)
    shown, sequence = made.training(small_model(), batch(), TARGET, 0)
    assert len(sequence) == 160
    assert (sequence != shown.one_hot()).any(dim=2).all()


def test_clean_epochs_come_first_and_epsilon_grows_with_the_reach() -> None:
    assert stage_perturbation(Stage(attack="centre", share=1), PGD) is None
    assert stage_perturbation(Stage(attack="target", share=1, reach=0), PGD) is None
    assert stage_perturbation(TARGET, None) is None
    assert stage_perturbation(TARGET, PGD) == PGD
    half = stage_perturbation(Stage(attack="target", share=1, reach=0.5), PGD)
    assert half == ProjectedGradient(epsilon=0.05, steps=3)


@pytest.mark.parametrize("attack", [CentreShift(shift=SHIFT), RandomShift(shift=SHIFT)])
def test_a_mild_stage_keeps_the_windows_of_an_attack_that_does_not_search(attack: ShiftAttack) -> None:
    for name in ("centre", "random"):
        assert stage_attack(Stage.model_validate({"attack": name, "share": 1}), attack) == attack


def test_the_recipe_of_koo_is_ten_clean_epochs_then_the_attack() -> None:
    stages = [{"attack": "centre", "share": 10}, {"attack": "target", "share": 15}]
    page = recipe("fast", {"epochs": 25, "curriculum": stages, "mixture": 0.5, "patience": 15})
    made = Exposure(CentreShift(shift=SHIFT), PGD, page, seed=0)
    assert [made.stage(epoch).attack for epoch in range(25)] == ["centre"] * 10 + ["target"] * 15
    assert Exposure(CentreShift(shift=SHIFT), None, page, seed=0).stage(0) == TARGET


def trained(perturbation: Perturbation | None, *, epochs: int = 6, **options: Any) -> tuple[HoldfastNet, Any]:
    data, model = dataset(240), small_model()
    changes = {"epochs": epochs, "batch_size": 16, "learning_rate": 1e-2}
    parts = data.part("train"), data.part("validation")
    attack = ATTACKS["centre"](shift=SHIFT)
    return model, fit(model, *parts, attack, recipe("fast", changes), perturbation=perturbation, seed=1, **options)


def accuracy(model: HoldfastNet) -> float:
    rows = other_adversaries(model, dataset(200, seed=1), SHIFT, perturbations=[PGD], bootstrap=0)
    return rows[0].metrics["accuracy"].value


def test_training_against_pgd_helps_against_pgd_and_validates_against_it() -> None:
    plain, hardened = trained(None), trained(PGD)
    assert accuracy(hardened[0]) > accuracy(plain[0]) + 0.1
    assert [row["stage"] for row in hardened[1].history][:2] == ["random", "random"]
    assert {row["stage"] for row in plain[1].history} == {"target"}
    last, stages = hardened[1].history[-1], {row["stage"] for row in hardened[1].history}
    assert last["stage"] == "target"
    assert "target within 50%" in stages


class Killed(Exception):
    """Stands for Ctrl-C or a kill."""


def test_a_resumed_training_has_the_weights_of_an_unbroken_one_and_no_others(tmp_path: Any) -> None:
    def stop(history: list[dict[str, Any]]) -> None:
        if len(history) == 3:
            raise Killed

    noise, path = UniformNoise(epsilon=0.2), tmp_path / "checkpoint"
    with pytest.raises(Killed):
        trained(noise, epochs=4, checkpoint=path, watch=Watch(epoch=stop))
    with pytest.raises(Exception, match="belongs to a run with other settings"):
        trained(UniformNoise(epsilon=0.1), epochs=4, checkpoint=path, resume=True)
    resumed, unbroken = trained(noise, epochs=4, checkpoint=path, resume=True)[0], trained(noise, epochs=4)[0]
    for one, other in zip(resumed.state_dict().values(), unbroken.state_dict().values(), strict=True):
        assert torch.equal(one, other)
