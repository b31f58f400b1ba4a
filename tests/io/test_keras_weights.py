"""Keras files as plain layers: what is turned at the door, and what is refused."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from holdfast.core.errors import InputError
from holdfast.io.keras_weights import is_hdf5, read_keras
from keras_files import dense, layer, model, write_keras


def chain(path: Path, layers: list[dict[str, Any]], weights: dict[str, dict[str, Any]], **more: Any) -> Path:
    return write_keras(path, {"class_name": "Sequential", "config": layers}, weights, **more)


def test_layers_stand_in_the_order_of_the_graph_whatever_their_numbers(tmp_path: Path) -> None:
    graph = [
        layer("Dense", "dense_1", inputs=["dense_9"]),
        layer("Add", "add_1", inputs=["dense_1", "dense_3"]),
        layer("Dense", "dense_3", inputs=["input_1"]),
        layer("InputLayer", "input_1", inputs=[], batch_input_shape=[None, 5]),
        layer("Dense", "dense_9", inputs=["input_1"]),
        layer("Dense", "unused", inputs=["input_1"]),
    ]
    file = read_keras(write_keras(tmp_path / "m.h5", model(graph, "add_1"), {}))
    assert [one.name for one in file.layers] == ["input_1", "dense_9", "dense_1", "dense_3", "add_1"]
    assert file.layers[-1].inputs == ("dense_1", "dense_3")
    assert file.input_shape == (5,)


def test_a_chain_needs_no_graph(tmp_path: Path) -> None:
    weights = dense("d", np.ones((3, 2)))
    file = read_keras(chain(tmp_path / "m.h5", [layer("Dense", "d", units=2), layer("ReLU", "r")], weights))
    assert [(one.name, one.inputs) for one in file.layers] == [("d", ()), ("r", ("d",))]
    assert file.layers[0].setting("units") == 2
    assert file.layers[0].weights["kernel"].tolist() == np.ones((3, 2)).tolist()
    assert (file.version, file.kernels_reversed) == ("2.2.4", False)


def keras_1(folder: Path, *, colon: str = "") -> Path:
    """A convolution and an LSTM as Keras 1 saved them, twelve arrays a direction."""
    numbers = np.arange(3 * 2 * 4).reshape(3, 1, 2, 4).astype("float32")
    arrays = {f"c_W{colon}": numbers, f"c_b{colon}": np.zeros(4)}
    gates = {}
    for side in ("forward", "backward"):
        for at, gate in enumerate("icfo"):
            for kind, shape in (("W", (4, 2)), ("U", (2, 2)), ("b", (2,))):
                gates[f"{side}_lstm_1_{kind}_{gate}{colon}"] = np.full(shape, at + 10 * (side == "backward"))
    layers = [
        layer("Convolution1D", "c", filter_length=3, nb_filter=4, border_mode="valid", subsample_length=1),
        layer("Bidirectional", "b", layer=layer("LSTM", "l", output_dim=2, inner_activation="hard_sigmoid")),
        layer("Dropout", "d", p=0.25),
        layer("Merge", "m", mode="ave"),
    ]
    page = {"class_name": "Sequential", "keras_version": "1.1.1", "config": layers}
    path = write_keras(folder / "final_model.hdf5", None, {"c": arrays, "b": gates, "d": {}, "m": {}})
    (folder / "model.json").write_text(json.dumps(page))
    return path


def test_keras_1_speaks_keras_2_at_the_door(tmp_path: Path) -> None:
    file = read_keras(keras_1(tmp_path))
    convolution, lstm, dropout, merge = file.layers
    assert (convolution.kind, convolution.setting("kernel_size"), convolution.setting("padding")) == (
        "Conv1D",
        3,
        "valid",
    )
    assert (lstm.setting("units"), lstm.setting("recurrent_activation")) == (2, "hard_sigmoid")
    assert (dropout.setting("rate"), merge.kind) == (0.25, "Average")
    # Blocks were saved i, c, f, o (0, 1, 2, 3) and stand i, f, c, o.
    assert lstm.weights["forward/bias"].tolist() == [0, 0, 2, 2, 1, 1, 3, 3]
    assert lstm.weights["backward/recurrent_kernel"][0].tolist() == [10, 10, 12, 12, 11, 11, 13, 13]
    assert lstm.weights["forward/kernel"].shape == (4, 8)


@pytest.mark.parametrize(("colon", "reversed_"), [("", True), (":0", False)])
def test_theanos_kernels_are_reversed_and_tensorflows_are_not(tmp_path: Path, colon: str, reversed_: bool) -> None:
    file = read_keras(keras_1(tmp_path, colon=colon))
    kernel = np.arange(24).reshape(3, 2, 4)
    assert file.kernels_reversed is reversed_
    assert file.layers[0].weights["kernel"].tolist() == (kernel[::-1] if reversed_ else kernel).tolist()


def test_a_lambda_is_never_looked_into(tmp_path: Path) -> None:
    poison = ["not even base64 \x00", None, None]
    file = read_keras(
        chain(tmp_path / "m.h5", [layer("Lambda", "l", function=poison, function_type="lambda")], {"l": {}})
    )
    assert file.layers[0].kind == "Lambda"


def test_long_lists_of_names_come_in_pieces(tmp_path: Path) -> None:
    path = chain(tmp_path / "m.h5", [layer("Dense", "a"), layer("Dense", "b")], dense("a", np.ones((1, 1))))
    with h5py.File(path, "a") as file:
        group = file["model_weights"]
        del group.attrs["layer_names"]
        group.create_group("b").attrs["weight_names"] = np.array([], dtype="S1")
        group.attrs["layer_names0"], group.attrs["layer_names1"] = [b"a"], [b"b"]
    assert [bool(one.weights) for one in read_keras(path).layers] == [True, False]


def test_what_is_no_keras_file_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "a.h5"
    text.write_text("hello")
    assert not is_hdf5(text)
    with pytest.raises(InputError, match=r"a\.h5: cannot be read as HDF5"):
        read_keras(text)
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["x"] = [1.0]
    assert is_hdf5(tmp_path / "b.h5")
    with pytest.raises(InputError, match=r"b\.h5: holds weights without a description"):
        read_keras(tmp_path / "b.h5")
    with pytest.raises(InputError, match="saved by Keras 3"):
        read_keras(chain(tmp_path / "c.h5", [layer("Dense", "d")], {}, version="3.1.0"))


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("{", "is no JSON"),
        ("[]", "is a list, expected a mapping"),
        ("{}", "not a description of Keras layers"),
        ('{"config": [{"class_name": "Dense"}]}', "not a description of Keras layers"),
        ('{"config": {"layers": [], "output_layers": [["a", 0, 0]]}}', "'a' is read by another one and not described"),
        (
            '{"config": {"output_layers": [["a", 0, 0]], "layers": [{"name": "a", "class_name": "Add", "config": {},'
            ' "inbound_nodes": [[["a", 0, 0]]]}]}}',
            "the graph has a circle",
        ),
    ],
)
def test_a_garbled_description_is_refused(tmp_path: Path, config: str, words: str) -> None:
    path = chain(tmp_path / "m.h5", [layer("Dense", "d")], {"d": {}})
    with h5py.File(path, "a") as file:
        file.attrs["model_config"] = config
    with pytest.raises(InputError, match=words):
        read_keras(path)


@pytest.mark.parametrize(
    ("gone", "words"),
    [("model_weights/d", "layer 'd' is listed"), ("model_weights/d/d/kernel:0", "weight 'd/kernel:0' of layer 'd' is")],
)
def test_weights_that_are_listed_and_missing_are_refused_with_the_layer_named(
    tmp_path: Path, gone: str, words: str
) -> None:
    path = chain(tmp_path / "m.h5", [layer("Dense", "d")], dense("d", np.ones((3, 2))))
    with h5py.File(path, "a") as file:
        del file[gone]
    with pytest.raises(InputError, match=words):
        read_keras(path)


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    path = chain(tmp_path / "m.h5", [layer("Dense", "d")], {"d": {"d/kernel:0": np.array([[1, 2]])}})
    with h5py.File(path, "a") as file:
        del file["model_weights/d/d/kernel:0"]
        file["model_weights/d/d/kernel:0"] = np.array([b"x"])
    with pytest.raises(InputError, match="'d/kernel:0' of layer 'd' is no array of numbers"):
        read_keras(path)
