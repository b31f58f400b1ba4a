"""Keras files of every family: read as an independent forward pass reads them, or refused with the layer named."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from holdfast.core.errors import ConfigError, InputError
from holdfast.core.registry import Spec
from holdfast.models import MODELS
from holdfast.models.keras import load
from holdfast.models.published import Published, Wanted
from keras_files import dense, layer, model, write_keras

Array = NDArray[np.float64]
Weights = dict[str, dict[str, Array]]

WINDOW, STEPS, TASKS = 64, 3, 5
HIDDEN = {"tbinet": 695, "danq": 925}


def built(published: Published) -> Any:
    made = MODELS.build(published.spec, n_tasks=published.n_tasks, window=published.window)
    made.load_state_dict(published.weights)
    return made.eval()


def one_hot(codes: NDArray[np.int64]) -> torch.Tensor:
    return torch.nn.functional.one_hot(torch.from_numpy(codes), 4).transpose(1, 2).float()


# --- TBiNet and DanQ: full size but for the window and the tasks -------------------------------------------------


def lstm_arrays(name: str, n_in: int, n_units: int, draw: np.random.Generator) -> Weights:
    arrays = {}
    for side in ("forward", "backward"):
        start = f"{name}/{side}_lstm_1"
        arrays[f"{start}/kernel:0"] = draw.normal(0, 0.05, (n_in, 4 * n_units))
        arrays[f"{start}/recurrent_kernel:0"] = draw.normal(0, 0.05, (n_units, 4 * n_units))
        arrays[f"{start}/bias:0"] = draw.normal(0, 0.5, 4 * n_units)
    return {name: arrays}


def pooled_file(path: Path, kind: str, *, attention: str = "permute", **changes: Any) -> tuple[Path, Weights]:
    """A file of TBiNet's or DanQ's structure, layers numbered at random."""
    draw = np.random.default_rng(1)
    steps = [("InputLayer", "input_1", {"batch_input_shape": [None, WINDOW, 4]})]
    steps += [("Conv1D", "conv1d_7", {"activation": "relu", "padding": "valid", "strides": [1], "kernel_size": [26]})]
    steps += [("MaxPooling1D", "max", {"pool_size": [13], "strides": [13], "padding": "valid"})]
    steps += [("Dropout", "dropout_1", {"rate": 0.2})]
    if kind == "tbinet":
        steps += [("Dense", "dense_9", {"units": 1, "activation": "linear"})]
        if attention == "permute":
            steps += [("Permute", "p1", {"dims": [2, 1]}), ("Activation", "soft", {"activation": "softmax"})]
            steps += [("Permute", "p2", {"dims": [2, 1]}), ("Lambda", "mean", {"function": ["x", None, None]})]
        else:
            steps += [("Flatten", "flat_0", {}), ("Activation", "soft", {"activation": "softmax"})]
        steps += [("RepeatVector", "repeat", {"n": 320}), ("Permute", "p3", {"dims": [2, 1]})]
        steps += [("Multiply", "times", {})]
    inner = {"units": 320, "activation": "tanh", "recurrent_activation": "hard_sigmoid", "return_sequences": True}
    steps += [("Bidirectional", "bi", {"merge_mode": "concat", "layer": layer("LSTM", "lstm", **inner)})]
    steps += [("Dropout", "dropout_2", {"rate": 0.5}), ("Flatten", "flat", {})]
    steps += [("Dense", "dense_3", {"units": HIDDEN[kind], "activation": "relu"})]
    steps += [("Dense", "dense_1", {"units": TASKS, "activation": "linear"})]
    steps += [("Activation", "last", {"activation": "sigmoid"})]
    layers, before = [], ""
    for name_kind, name, settings in steps:
        inputs = [before] if before else []
        if name_kind == "Multiply":
            inputs = ["dropout_1", before]
        layers.append(layer(name_kind, name, inputs=inputs, **(settings | changes.get(name, {}))))
        before = name
    weights: Weights = dense("conv1d_7", draw.normal(0, 0.3, (26, 4, 320)), draw.normal(0, 0.1, 320))
    if kind == "tbinet":
        weights |= dense("dense_9", draw.normal(0, 0.3, (320, 1)), draw.normal(0, 0.1, 1))
    weights |= lstm_arrays("bi", 320, 320, draw)
    weights |= dense("dense_3", draw.normal(0, 0.05, (STEPS * 640, HIDDEN[kind])), draw.normal(0, 0.1, HIDDEN[kind]))
    weights |= dense("dense_1", draw.normal(0, 0.1, (HIDDEN[kind], TASKS)), draw.normal(0, 0.1, TASKS))
    weights = {
        name: {key: values.astype("float32").astype("float64") for key, values in arrays.items()}
        for name, arrays in weights.items()
    }
    return write_keras(path, model(layers[::-1], "last"), weights), weights


def pooled_by_hand(codes: NDArray[np.int64], weights: Weights, kind: str) -> Array:
    """The published layers in NumPy, float64, columns A, G, C, T; returns logits."""
    x = np.eye(4)[np.array([0, 2, 1, 3])[codes]]
    arrays = {key: values for one in weights.values() for key, values in one.items()}
    kernel = arrays["conv1d_7/kernel:0"]
    maps = np.stack([np.einsum("nkc,kcf->nf", x[:, i : i + 26], kernel) for i in range(WINDOW - 25)], axis=1)
    maps = np.maximum(maps + arrays["conv1d_7/bias:0"], 0)
    steps = np.stack([maps[:, 13 * t : 13 * t + 13].max(axis=1) for t in range(STEPS)], axis=1)
    if kind == "tbinet":
        score = steps @ arrays["dense_9/kernel:0"] + arrays["dense_9/bias:0"]
        score = np.exp(score - score.max(axis=1, keepdims=True))
        steps = steps * score / score.sum(axis=1, keepdims=True)
    ahead = recurrent_by_hand(steps, arrays, "bi/forward_lstm_1")
    back = recurrent_by_hand(steps[:, ::-1], arrays, "bi/backward_lstm_1")[:, ::-1]
    flat = np.concatenate([ahead, back], axis=-1).reshape(len(codes), -1)
    hidden = np.maximum(flat @ arrays["dense_3/kernel:0"] + arrays["dense_3/bias:0"], 0)
    logits: Array = hidden @ arrays["dense_1/kernel:0"] + arrays["dense_1/bias:0"]
    return logits


def recurrent_by_hand(steps: Array, arrays: dict[str, Array], start: str) -> Array:
    h = c = np.zeros((len(steps), 320))
    states = []
    for t in range(steps.shape[1]):
        z = steps[:, t] @ arrays[f"{start}/kernel:0"] + h @ arrays[f"{start}/recurrent_kernel:0"]
        i, f, g, o = np.split(z + arrays[f"{start}/bias:0"], 4, axis=-1)
        i, f, o = (np.clip(0.2 * gate + 0.5, 0, 1) for gate in (i, f, o))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
        states.append(h)
    return np.stack(states, axis=1)


@pytest.mark.parametrize(("kind", "attention"), [("tbinet", "permute"), ("tbinet", "flatten"), ("danq", "")])
def test_files_of_tbinet_and_danq_give_what_their_layers_give(kind: str, attention: str, tmp_path: Path) -> None:
    path, weights = pooled_file(tmp_path / "m.h5", kind, attention=attention)
    published = load(path, Wanted())
    assert (published.spec.name, published.window, published.n_tasks) == (kind, WINDOW, TASKS)
    codes = np.random.default_rng(2).integers(0, 4, (4, WINDOW))
    logits = built(published)(one_hot(codes)).detach().numpy()
    np.testing.assert_allclose(logits, pooled_by_hand(codes, weights, kind), atol=1e-5)
    assert np.abs(built(load(path, Wanted(columns="ACGT")))(one_hot(codes)).detach().numpy() - logits).max() > 0.01


# --- Every setting of DeepGRN: our model written as Keras would, and read back ------------------------------------


def deepgrn_file(path: Path, mine: Any, *, attention: str, **changes: Any) -> Path:
    """Write a DeepGRN of ours as its authors' code would: columns A, T, G, C, layers numbered at random."""
    state = {name: values.numpy().astype("float64") for name, values in mine.state_dict().items()}
    layers: list[dict[str, Any]] = [layer("InputLayer", "in", inputs=[], batch_input_shape=[None, 84, 6])]
    weights: Weights = {}
    order = [0, 3, 2, 1, 4, 5]

    def add(
        kind: str, name: str, arrays: Weights | None = None, *, inputs: list[str] | None = None, **more: Any
    ) -> str:
        sources = [layers[-1]["name"]] if inputs is None else inputs
        layers.append(layer(kind, name, inputs=sources, **(more | changes.get(name, {}))))
        weights.update(arrays or {})
        return name

    def linear(name: str, source: str) -> Weights:
        bias = state.get(f"{source}.bias")
        return dense(name, state[f"{source}.weight"].T, bias)

    def attend(x: str) -> None:
        if attention.startswith("single"):
            add("Permute", "perm_1", dims=[2, 1])
            add("Dense", "d_att", linear("d_att", "attention.score"), activation="softmax")
            if mine.attention.merged:
                add("Lambda", "mean"), add("RepeatVector", "again")
            add("Permute", "perm_2", dims=[2, 1])
            add("Multiply", "times", inputs=["perm_2", x])
        elif attention.startswith("pairwise"):
            placed = x
            if mine.attention.positions == "learned":
                placed = add(
                    "PositionEmbedding", "pos", {"pos": {"pos/embeddings:0": state["attention.table"]}}, mode="add"
                )
            plain = {"activation": "linear", "use_bias": False}
            add("Dense", "a_key", linear("a_key", "attention.key"), inputs=[placed], **plain)
            add("Dense", "z_query", linear("z_query", "attention.query"), inputs=[placed], **plain)
            add("Permute", "perm", inputs=["a_key"], dims=[2, 1])
            add("Lambda", "product", inputs=["z_query", "perm"])
            add("Softmax", "soft", axis=2)
            add("Dense", "value", linear("value", "attention.value"), inputs=[placed], **plain)
            add("Lambda", "taken", inputs=["soft", "value"])
            add("Add", "sum", inputs=[x, "taken"])

    first = "stages.0.block.0"
    kernel = state[f"{first}.weight"][:, order].transpose(2, 1, 0)
    conv = {"activation": "relu", "padding": "valid", "strides": [1], "kernel_size": [34]}
    add("Conv1D", "c_9", dense("c_9", kernel, state[f"{first}.bias"]), **conv)
    add("Dropout", "drop", rate=0.3)
    flat = dense("td", state["stages.0.block.3.weight"][:, :, 0].T, state["stages.0.block.3.bias"])
    add("TimeDistributed", "td", flat, layer=layer("Dense", "inner", activation="relu", units=64))
    pool = add("MaxPooling1D", "pool", pool_size=[17], strides=[17], padding="valid")
    if attention.endswith("before"):
        attend(pool)
    inner = {"units": 32, "activation": "tanh", "recurrent_activation": "hard_sigmoid", "return_sequences": True}
    for number in range(len(mine.lstms)):
        name, arrays = f"bi_{number}", {}
        for way, side in enumerate(("forward", "backward")):
            arrays[f"{name}/{side}_l/kernel:0"] = state[f"lstms.{number}.kernel"][way]
            arrays[f"{name}/{side}_l/recurrent_kernel:0"] = state[f"lstms.{number}.recurrent"][way]
            arrays[f"{name}/{side}_l/bias:0"] = state[f"lstms.{number}.bias"].reshape(2, -1)[way]
        add("Bidirectional", name, {name: arrays}, layer=layer("LSTM", "l", **(inner | changes.get("lstm", {}))))
    if attention.endswith("after"):
        attend(layers[-1]["name"])
    if attention == "attention1d":
        add("Attention1D", "att", linear("att", "attention.dense"))
    else:
        add("Flatten", "flat")
    add("Dense", "d_5", linear("d_5", "first"), activation="relu")
    add("InputLayer", "meta", inputs=[], batch_input_shape=[None, 14])
    add("Concatenate", "cat", inputs=["d_5", "meta"])
    for number in range(len(mine.dense)):
        add("Dense", f"d_{4 - number}", linear(f"d_{4 - number}", f"dense.{number}"), activation="relu")
    last = add("Dense", "d_0", linear("d_0", "out"), activation="sigmoid")
    add("Average" if mine.merge_by == "mean" else "Maximum", "merge", inputs=[last, last])
    return write_keras(path, model(layers, "merge"), weights)


SETTINGS: list[dict[str, Any]] = [
    {"attention": "none", "n_lstms": 2},
    {"attention": "single_after", "n_extra_dense": 0},
    {"attention": "single_before", "merged": True, "merge": "max"},
    {"attention": "pairwise_before", "positions": "learned"},
    {"attention": "pairwise_after", "n_extra_dense": 2},
    {"attention": "attention1d"},
]


def deepgrn(**settings: Any) -> Any:
    torch.manual_seed(0)
    common = {"tracks": ["uniqueness", "dnase"], "n_static": 14, "dropout": 0.3}
    return MODELS.build(Spec(name="deepgrn", params=common | settings), window=84).eval()


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: settings["attention"])
def test_a_deepgrn_written_as_keras_does_comes_back_whole(settings: dict[str, Any], tmp_path: Path) -> None:
    mine = deepgrn(**settings)
    published = load(deepgrn_file(tmp_path / "m.h5", mine, attention=settings["attention"]), Wanted())
    again = MODELS.resolve(published.spec).params
    wanted = MODELS.resolve(Spec(name="deepgrn", params={"dropout": 0.3, **settings})).params
    for key in ("attention", "merged", "positions", "n_lstms", "n_extra_dense", "merge", "dropout", "n_static"):
        assert again[key] == (14 if key == "n_static" else wanted[key]), key
    state = mine.state_dict()
    assert set(state) == set(published.weights)
    for name, values in published.weights.items():
        assert torch.equal(values, state[name]), name


def refused(tmp_path: Path, words: str, attention: str = "none", **changes: Any) -> None:
    path = deepgrn_file(tmp_path / "m.h5", deepgrn(attention=attention), attention=attention, **changes)
    with pytest.raises(InputError, match=words) as caught:
        load(path, Wanted())
    assert str(path) in str(caught.value)


def test_layers_that_are_not_what_they_have_to_be_are_named(tmp_path: Path) -> None:
    refused(tmp_path, "layer 'c_9' has activation 'tanh', expected 'relu'", c_9={"activation": "tanh"})
    refused(tmp_path, "layer 'c_9' has padding 'same', expected 'valid'", c_9={"padding": "same"})
    refused(tmp_path, "one maximum in 12 places, expected 17", pool={"pool_size": [12], "strides": [12]})
    refused(tmp_path, "layer 'pool' has strides 3, expected 17", pool={"strides": [3]})
    refused(tmp_path, "layer 'bi_0' has recurrent_activation 'relu'", lstm={"recurrent_activation": "relu"})
    refused(tmp_path, "layer 'bi_0' has return_sequences False", lstm={"return_sequences": False})
    refused(tmp_path, "layer 'd_0' has activation 'softmax', expected 'sigmoid'", d_0={"activation": "softmax"})


def test_arrays_of_another_shape_are_named_with_both_shapes(tmp_path: Path) -> None:
    mine = deepgrn(attention="none")
    mine.first.weight = torch.nn.Parameter(torch.zeros(64, 200))
    path = deepgrn_file(tmp_path / "m.h5", mine, attention="none")
    with pytest.raises(InputError, match=r"layer 'd_5': kernel .* has shape \(64, 200\), expected \(64, 192\)"):
        load(path, Wanted())


def test_weights_that_are_not_finite_are_named(tmp_path: Path) -> None:
    mine = deepgrn(attention="none")
    with torch.no_grad():
        mine.out.bias.fill_(float("nan"))
    with pytest.raises(InputError, match="layer 'd_0': bias holds values that are not finite"):
        load(deepgrn_file(tmp_path / "m.h5", mine, attention="none"), Wanted())


def test_a_file_of_no_known_family_is_refused_with_its_layers(tmp_path: Path) -> None:
    layers = [layer("Dense", "a", batch_input_shape=[None, 4]), layer("Dense", "b")]
    page = {"class_name": "Sequential", "config": layers}
    with pytest.raises(InputError, match=r"no family that can be read .*DeepGRN.*; its layers are Dense > Dense"):
        load(write_keras(tmp_path / "m.h5", page, {}), Wanted())


def test_what_is_assumed_reaches_the_model_and_nothing_else_may_be_assumed(tmp_path: Path) -> None:
    path = deepgrn_file(tmp_path / "m.h5", deepgrn(attention="attention1d"), attention="attention1d")
    assume = {"dnase": [0.5], "uniqueness": [1.0], "static": [0.25]}
    published = load(path, Wanted(assume=assume))
    assert published.spec.params["assume_tracks"] == {"dnase": 0.5, "uniqueness": 1.0}
    assert published.spec.params["assume_static"] == [0.25] * 14
    assert any("Nothing is assumed for uniqueness, dnase, static" in note for note in load(path, Wanted()).notes)
    with pytest.raises(ConfigError, match=r"--assume dnas: .*did you mean 'dnase'"):
        load(path, Wanted(assume={"dnas": [1.0]}))
    with pytest.raises(ConfigError, match="--assume dnase: expected one number, got 2"):
        load(path, Wanted(assume={"dnase": [1.0, 2.0]}))
    with pytest.raises(ConfigError, match="columns are the letters A, C, G, T"):
        Wanted(columns="ACGG")


# --- The paper's CNN ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("axes", [1, 2])
def test_the_papers_cnn_is_the_same_in_one_and_in_two_dimensions(axes: int, tmp_path: Path) -> None:
    torch.manual_seed(0)
    mine: Any = MODELS.build(Spec(name="pap_megyeri"))
    state = {name: values.numpy() for name, values in mine.state_dict().items()}
    layers, weights = [], {}
    for number in (1, 2):
        kernel = state[f"conv{number}.weight"].transpose(2, 1, 0)
        weights |= dense(f"c{number}", kernel if axes == 1 else kernel[None], state[f"conv{number}.bias"])
        settings = {"padding": "same", "strides": [1] * axes, "activation": "linear"}
        shape = {"batch_input_shape": [None, *([1] * (axes - 1)), None, 4]} if number == 1 else {}
        layers += [layer(f"Conv{axes}D", f"c{number}", **settings, **shape), layer("ReLU", f"r{number}")]
    layers += [layer(f"GlobalMaxPooling{axes}D", "g"), layer("Dense", "d", activation="relu")]
    layers += [layer("Dense", "o", activation="softmax")]
    weights |= dense("d", state["dense.weight"].T, state["dense.bias"])
    weights |= dense("o", state["out.weight"].T, state["out.bias"])
    path = write_keras(tmp_path / "m.h5", {"class_name": "Sequential", "config": layers}, weights)
    published = load(path, Wanted())
    assert (published.spec.name, published.window) == ("pap_megyeri", None)
    assert all(torch.equal(published.weights[name], values) for name, values in mine.state_dict().items())
    with pytest.raises(ConfigError, match="it reads the sequence alone"):
        load(path, Wanted(assume={"dnase": [1.0]}))
