"""The one training loop. The attack is a transform of the batch; validation is attacked likewise."""

from __future__ import annotations

import copy
import gc
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from holdfast.core.device import evaluating, resolve_device
from holdfast.core.errors import HoldfastError, InputError
from holdfast.core.parameters import check_values
from holdfast.core.random import mix_seed, numpy_generator
from holdfast.data.dataset import SequenceDataset
from holdfast.models.base import SequenceModel
from holdfast.robustness.attacks import ShiftAttack
from holdfast.robustness.perturbations import Perturbation
from holdfast.training.checkpoint import Checkpoint, Progress, load_optimiser, optimiser_tensors
from holdfast.training.exposure import Exposure
from holdfast.training.objective import Objective
from holdfast.training.optimisers import build_optimiser
from holdfast.training.recipe import Recipe, Stage
from holdfast.training.schedule import Plateau, rate_at

__all__ = ["Diverged", "Fitted", "Watch", "fit"]

EVALUATION_BATCH = 256
# A model is called collapsed after this many epochs in a row in which it calls (nearly) all examples alike.
COLLAPSE_EPOCHS = 2
COLLAPSE_SHARE = 0.01
# Where labels of one kind are rarer than this, a sound model may never call it at logit 0 either.
SPARSE = 0.1


class Diverged(HoldfastError):
    """The loss of a training is no finite number."""


@dataclass(frozen=True)
class Fitted:
    """What training gave; the model itself holds the best weights.

    Parameters
    ----------
    history
        One row per epoch, of every attempt.
    best_epoch
        1-based, of the last attempt: the epoch whose weights were kept.
    best_loss
        Attacked validation loss at that epoch.
    stopped_early
        Whether patience ended the training.
    notes
        Sentences a reader of the report should see.
    """

    history: list[dict[str, Any]]
    best_epoch: int
    best_loss: float
    stopped_early: bool
    notes: list[str]


@dataclass(frozen=True)
class Watch:
    """What the caller wants to hear.

    Parameters
    ----------
    step
        Called with (steps done, steps in all) of this attempt.
    epoch
        Called after each epoch with the whole history.
    weights
        Called after each epoch with its 1-based number and the model as it was validated.
    """

    step: Callable[[int, int], None] = lambda done, total: None
    epoch: Callable[[list[dict[str, Any]]], None] = lambda history: None
    weights: Callable[[int, SequenceModel], None] = lambda epoch, model: None


def fit(
    model: SequenceModel,
    train: SequenceDataset,
    validation: SequenceDataset,
    attack: ShiftAttack,
    recipe: Recipe,
    *,
    perturbation: Perturbation | None = None,
    seed: int = 0,
    device: str = "auto",
    devices: int = 1,
    checkpoint: Path | None = None,
    resume: bool = False,
    watch: Watch | None = None,
) -> Fitted:
    """Train a model against an attack and leave it with the weights of the best epoch, or of the last by the recipe.

    The best epoch has the least validation loss under the same attack. All randomness follows from ``seed``, so on a
    CPU the same call gives the same weights to the bit, and a resumed run those of an unbroken one.

    Parameters
    ----------
    model
        Trained in place.
    train, validation
        Labelled contexts of the attack's length.
    attack
        What the training adversary does.
    recipe
        How to train, see :data:`~holdfast.training.recipe.PRESETS`.
    perturbation
        Changes the windows that the attack chose, in training and in validation; None leaves them one-hot.
    seed
        Of initial weights, order, dropout and augmentation.
    device
        ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
    devices
        Processes of a distributed run (started by ``torchrun``), each with its device.
    checkpoint
        File that holds the state after each epoch; None keeps none.
    resume
        Continue from ``checkpoint`` where it exists.
    watch
        Callbacks for progress.

    Raises
    ------
    InputError
        No examples, no known labels of both classes, a checkpoint of another run, or a perturbation that needs a
        gradient which the model does not have.
    Diverged
        If the loss is not finite.
    """
    objects = {"model": model, "train": train, "validation": validation, "attack": attack, "recipe": recipe}
    check_values(fit, objects, "fit")
    seed = check_values(fit, {"seed": seed}, "fit")["seed"]
    _check(train, validation, attack)
    fabric = _fabric(device, devices, recipe)
    adversary = repr(attack) if perturbation is None else f"{attack!r} {perturbation!r}"
    identity = str(mix_seed(seed, repr(recipe), train.fingerprint, validation.fingerprint, adversary, repr(model)))
    state = Progress(identity=identity)
    held: Checkpoint | None = None
    if checkpoint is not None and resume and checkpoint.exists():
        held = Checkpoint.read(checkpoint)
        if held.progress.identity != identity:
            raise InputError(f"{checkpoint}: belongs to a run with other settings or data; delete it to start anew")
        state = held.progress
    fresh = copy.deepcopy(model.state_dict())
    while True:
        gentle = _gentle(recipe, state.restart)
        own = mix_seed(seed, "attempt", state.restart)
        exposure = Exposure(attack, perturbation, gentle, own)
        attempt = _Attempt(model, train, validation, exposure, gentle, fabric, own, state)
        attempt.start(fresh, held)
        collapsed = attempt.run(checkpoint, watch or Watch())
        held = None
        if not collapsed:
            break
        state.restart, state.epoch, state.best_epoch, state.best_loss = state.restart + 1, 0, 0, math.inf
        state.plateau, state.collapsed_epochs, state.stopped = {}, 0, False
    attempt.finish()
    return Fitted(state.history, state.best_epoch, state.best_loss, state.stopped, state.notes)


def _gentle(recipe: Recipe, restart: int) -> Recipe:
    for _ in range(restart):
        recipe = recipe.gentler()
    return recipe


def _fabric(device: str, devices: int, recipe: Recipe) -> Fabric:
    where = resolve_device(device)
    chosen: int | list[int] = devices if devices > 1 or where.index is None else [where.index]
    fabric = Fabric(accelerator=where.type, devices=chosen, precision=recipe.precision)
    if devices > 1:
        fabric.launch()
    return fabric


def _check(train: SequenceDataset, validation: SequenceDataset, attack: ShiftAttack) -> None:
    for name, data in (("training", train), ("validation", validation)):
        if data.context != attack.shift.context:
            raise InputError(f"{name} contexts are {data.context} bp, the attack was made for {attack.shift.context}")
        if len(data.tasks) > 1:  # some of many tasks may have one class; and their labels are not held in memory
            continue
        counts = {"bound": int((data.labels == 1).sum()), "unbound": int((data.labels == 0).sum())}
        if 0 in counts.values():
            raise InputError(f"the {name} examples of '{data.tasks[0]}' need both classes; there are {counts}")


class _Attempt:
    """One training from first weights to last epoch, or to a collapse."""

    def __init__(
        self,
        model: SequenceModel,
        train: SequenceDataset,
        validation: SequenceDataset,
        exposure: Exposure,
        recipe: Recipe,
        fabric: Fabric,
        seed: int,
        state: Progress,
    ) -> None:
        self.model, self.train, self.validation, self.exposure = model, train, validation, exposure
        self.recipe, self.fabric, self.state, self.seed = recipe, fabric, state, seed
        known, bound = (np.count_nonzero(validation.labels >= wanted) for wanted in (0, 1))
        self.few_bound, self.few_unbound = bound < SPARSE * known, known - bound < SPARSE * known
        # Of two examples at least: batch statistics of one do not exist.
        self.steps = max(1, min(math.ceil(len(train) / recipe.batch_size), len(train) // 2))

    def start(self, fresh: dict[str, Tensor], held: Checkpoint | None) -> None:
        """Set first weights (or those of a checkpoint), the optimiser and the average."""
        self.model.load_state_dict(fresh)
        objective = Objective(self.model, self.recipe.label_smoothing)
        optimiser = build_optimiser(self.model, self.recipe)
        self.objective, self.optimiser = self.fabric.setup(objective, optimiser)
        self.average = copy.deepcopy(self.model) if self.recipe.average else self.model
        self.best = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        if held is not None:
            self._restore(held.tensors)

    def run(self, checkpoint: Path | None, watch: Watch) -> bool:
        """Train until the epochs, the patience or the model give out; return whether it collapsed."""
        state = self.state
        while state.epoch < self.recipe.epochs and not state.stopped:
            began = time.perf_counter()
            stage = self.exposure.stage(state.epoch)
            rate = self._scaled_rate(state.epoch)
            train_loss = self._epoch(stage, watch)
            loss, accuracy, called = self._validate()
            state.epoch += 1
            state.history.append(
                {
                    "epoch": state.epoch,
                    "train_loss": train_loss,
                    "validation_loss": loss,
                    "validation_accuracy": accuracy,
                    "learning_rate": rate,
                    "seconds": time.perf_counter() - began,
                    "stage": stage.attack if stage.reach == 1 else f"{stage.attack} within {stage.reach:.0%}",
                    "restart": state.restart,
                }
            )
            collapsed = self._judge(loss, called, stage)
            watch.epoch(state.history)
            watch.weights(state.epoch, self.average)
            if collapsed:  # no checkpoint: a resumed run collapses and restarts as this one does
                return True
            if checkpoint is not None and self.fabric.global_rank == 0:
                Checkpoint(self._tensors(), state).write(checkpoint)
        return False

    def finish(self) -> None:
        """Leave the model with the best weights, on the CPU, in eval mode, and part from the other processes."""
        self.model.load_state_dict(self.best)
        self.model.cpu().eval()
        if self.fabric.world_size > 1:
            # Together, or the first process to leave takes the others' connections with it. And not before the wrapper
            # of the model is gone: as their last holder it would close them under Python's lock, and wait for ever for
            # a thread of theirs that waits for that lock.
            self.fabric.barrier()
            del self.objective, self.optimiser
            gc.collect()
            torch.distributed.destroy_process_group()

    def _scaled_rate(self, epoch: int, step: int = 0) -> float:
        progress = (epoch + step / self.steps) / self.recipe.epochs
        return rate_at(self.recipe, progress) * self.state.plateau.get("scale", 1.0)

    def _epoch(self, stage: Stage, watch: Watch) -> float:
        """Train on every example once, in an order that the seed and the epoch alone decide; return the mean loss."""
        epoch, recipe = self.state.epoch, self.recipe
        torch.manual_seed(mix_seed(self.seed, "dropout", epoch, self.fabric.global_rank))
        order = numpy_generator(self.seed, "order", epoch).permutation(len(self.train))
        # Batches of nearly equal size: a last one of a single example would break batch statistics.
        batches = np.array_split(order, self.steps)
        self.objective.train()
        total = torch.zeros((), device=self.fabric.device)
        for step, chosen in enumerate(batches):
            mine = np.array_split(chosen, self.fabric.world_size)[self.fabric.global_rank]
            with self.fabric.autocast():
                contexts = self.train.batch(mine).to(self.fabric.device)
                shown, sequence = self.exposure.training(self.model, contexts, stage, epoch)
            for group in self.optimiser.param_groups:
                group["lr"] = self._scaled_rate(epoch, step)
            self.optimiser.zero_grad(set_to_none=True)
            loss = self.objective(sequence, shown.labels, shown.mask)
            self.fabric.backward(loss)
            if recipe.clip_norm is not None:
                self.fabric.clip_gradients(self.objective, self.optimiser, max_norm=recipe.clip_norm)
            if recipe.clip_value is not None:
                self.fabric.clip_gradients(self.objective, self.optimiser, clip_val=recipe.clip_value)
            self.optimiser.step()
            self._update_average(epoch * self.steps + step)
            total += loss.detach() * len(chosen)
            watch.step(epoch * self.steps + step + 1, recipe.epochs * self.steps)
        mean = float(self._reduced(total, "mean")) / len(self.train)
        if not math.isfinite(mean):
            raise Diverged(
                f"the training loss became {mean} in epoch {epoch + 1}; lower learning_rate "
                f"(now {recipe.learning_rate:g}) or set clip_norm"
            )
        return mean

    def _reduced(self, value: Tensor, how: str) -> Tensor:
        """Return a tensor reduced over the processes of a distributed run."""
        reduced = self.fabric.all_reduce(value, reduce_op=how)
        assert isinstance(reduced, Tensor)
        return reduced

    def _update_average(self, step: int) -> None:
        if self.recipe.average is None:
            return
        # The average forgets the first weights quickly, then slowly.
        decay = min(self.recipe.average, (1 + step) / (10 + step))
        with torch.no_grad():
            held: list[Tensor] = list(self.average.parameters())
            now: list[Tensor] = list(self.model.parameters())
            torch._foreach_lerp_(held, now, 1 - decay)
            for old, new in zip(self.average.buffers(), self.model.buffers(), strict=True):
                old.copy_(torch.lerp(old, new, 1 - decay) if old.is_floating_point() else new)

    def _validate(self) -> tuple[float, float, float]:
        """Return the attacked validation loss (with penalty), the accuracy, and the share called bound."""
        self.average.to(self.fabric.device)
        model, sums = self.average, torch.zeros(4, dtype=torch.float64, device=self.fabric.device)
        objective = Objective(model)
        mine = np.arange(len(self.validation))[self.fabric.global_rank :: self.fabric.world_size]
        for batch in self.validation.batches(EVALUATION_BATCH, order=mine):
            batch = batch.to(self.fabric.device)
            with self.fabric.autocast():
                shown, sequence = self.exposure.validation(model, batch)
                with evaluating(objective):
                    loss, logits = objective(sequence, shown.labels, shown.mask), model(sequence)
            called, known = (logits > 0) & shown.mask, shown.mask
            right = ((logits > 0) == (shown.labels > 0.5)) & known
            sums += torch.stack([loss.double() * known.sum(), right.sum(), called.sum(), known.sum()])
        loss_sum, right_sum, called_sum, count = self._reduced(sums, "sum").tolist()
        return loss_sum / count, right_sum / count, called_sum / count

    def _judge(self, loss: float, called: float, stage: Stage) -> bool:
        """Keep the best weights, move the schedule, and return whether the model has collapsed."""
        state, recipe = self.state, self.recipe
        if loss < state.best_loss or recipe.keep == "last":
            state.best_loss, state.best_epoch = loss, state.epoch
            self.best = {name: tensor.detach().clone() for name, tensor in self.average.state_dict().items()}
        elif recipe.patience is not None and state.epoch - state.best_epoch >= recipe.patience:
            state.stopped = True
        if recipe.schedule == "plateau":
            state.plateau = asdict(Plateau(**state.plateau).after(loss, recipe))  # type: ignore[arg-type]
        # Only a search for the worst drives a model there; early on any model may still say one thing.
        hunted = stage.attack == "target" and self.exposure.hunts
        none_called = called < COLLAPSE_SHARE and not self.few_bound
        one_answer = none_called or (called > 1 - COLLAPSE_SHARE and not self.few_unbound)
        state.collapsed_epochs = state.collapsed_epochs + 1 if hunted and one_answer else 0
        if state.collapsed_epochs < COLLAPSE_EPOCHS:
            return False
        return self._collapse()

    def _collapse(self) -> bool:
        state, recipe = self.state, self.recipe
        found = f"training collapsed: for {state.collapsed_epochs} epochs the model called (nearly) all examples alike"
        if recipe.on_collapse == "restart" and state.restart < recipe.max_restarts:
            state.notes.append(f"{found}; restarted with a slower curriculum and half the learning rate.")
            return True
        if state.collapsed_epochs == COLLAPSE_EPOCHS:
            state.notes.append(f"{found} (epoch {state.epoch}).")
        return False

    def _tensors(self) -> dict[str, Tensor]:
        parts = {"model": self.model.state_dict(), "best": self.best}
        if self.recipe.average:
            parts["average"] = self.average.state_dict()
        named = {f"{part}.{name}": tensor for part, tensors in parts.items() for name, tensor in tensors.items()}
        return named | optimiser_tensors(self.optimiser.optimizer)

    def _restore(self, tensors: dict[str, Tensor]) -> None:
        def part(name: str) -> dict[str, Tensor]:
            prefix = f"{name}."
            return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}

        self.model.load_state_dict(part("model"))
        self.best = part("best")
        if self.recipe.average:
            self.average.load_state_dict(part("average"))
        load_optimiser(self.optimiser.optimizer, tensors)
