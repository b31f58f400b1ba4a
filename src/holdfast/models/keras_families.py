"""The families of published Keras files, layer by layer: a line of ``FAMILIES`` each."""

from __future__ import annotations

from typing import Any

from holdfast.core.errors import ConfigError, InputError, did_you_mean
from holdfast.io.keras_weights import KerasFile
from holdfast.models.keras_walk import Family, Walk
from holdfast.models.published import Wanted

__all__ = ["FAMILIES"]

_TRACKS = ("uniqueness", "dnase")
_MERGES = {"Average": "mean", "Maximum": "max"}


def _kinds(file: KerasFile) -> list[str]:
    return [layer.kind for layer in file.layers]


def _reads_strands(file: KerasFile) -> bool:
    kinds = _kinds(file)
    return "TimeDistributed" in kinds and "Bidirectional" in kinds and kinds[-1] in _MERGES


def _is_factornet(file: KerasFile) -> bool:
    return _reads_strands(file) and file.version.startswith("1.")


def _is_deepgrn(file: KerasFile) -> bool:
    return _reads_strands(file) and not file.version.startswith("1.")


def _is_pap_megyeri(file: KerasFile) -> bool:
    kinds = _kinds(file)
    pools = ("GlobalMaxPooling1D", "GlobalMaxPooling2D")
    return sum(kind.startswith("Conv") for kind in kinds) == 2 and any(kind in pools for kind in kinds)


def _read_deepgrn(walk: Walk, wanted: Wanted) -> dict[str, Any]:
    n_convolutions, width, n_channels = 0, 0, 0
    while walk.next_is("Conv1D"):
        layer = walk.take("Conv1D", activation="relu", padding="valid", strides=1, dilation_rate=(1, None))
        width, channels, _ = walk.convolution(f"stages.0.block.{3 * n_convolutions}", layer, first=not n_convolutions)
        n_channels = n_channels or channels
        n_convolutions += 1
    channels, n_filters = _per_position(walk, f"stages.0.block.{3 * n_convolutions}", first=not n_convolutions)
    n_channels = n_channels or channels
    pool = _pool(walk)
    params: dict[str, Any] = {"attention": "none", "n_convolutions": n_convolutions, "n_filters": n_filters}
    params["width"] = width or 2 * pool
    if params["width"] // 2 != pool:
        raise InputError(f"{walk.file.path}: one maximum in {pool} places, expected {width // 2}, half the kernel")
    _attention(walk, params, "before")
    params["n_lstms"] = 0
    while walk.next_is("Bidirectional"):
        params["n_units"], params["gate"] = walk.lstm(f"lstms.{params['n_lstms']}")
        params["n_lstms"] += 1
    _attention(walk, params, "after")
    if walk.next_is("Attention1D"):
        params["attention"] = "attention1d"
        walk.dense("attention.dense", walk.take("Attention1D"), bias=False)
    else:
        walk.take("Flatten")
    n_static = _dense_layers(walk, params)
    params["merge"] = _MERGES[walk.take("Maximum" if walk.next_is("Maximum") else "Average").kind]
    return params | {"dropout": walk.rate()} | _inputs(walk, wanted, n_channels, n_static)


def _dense_layers(walk: Walk, params: dict[str, Any]) -> int:
    """Read the dense layers up to the sigmoid, and return how many static numbers join."""
    _, n_dense = walk.dense("first", walk.take("Dense", activation="relu"))
    walk.skip("Concatenate")
    n_static, number = 0, 0
    while walk.next_is("Dense", "Dense"):
        n_in, _ = walk.dense(f"dense.{number}", walk.take("Dense", activation="relu"))
        n_static, number = (n_in - n_dense if number == 0 else n_static), number + 1
    _, walk.n_tasks = walk.dense("out", walk.take("Dense", activation="sigmoid"))
    params["n_dense"], params["n_extra_dense"] = n_dense, number - 1
    return n_static


def _attention(walk: Walk, params: dict[str, Any], place: str) -> None:
    """Read an attention block, where there is one here."""
    if walk.next_is("Permute", "Dense"):
        walk.take("Permute", dims=([2, 1],))
        walk.dense("attention.score", walk.take("Dense", activation="softmax"))
        # The Lambda is the mean over channels, which only its neighbours tell: it is repeated for every channel.
        params["merged"] = walk.skip("Lambda", "RepeatVector")
        walk.take("Permute", dims=([2, 1],))
        walk.take("Multiply")
        params["attention"] = f"single_{place}"
    elif walk.next_is("Dense", "Dense", "Permute") or walk.next_is("PositionEmbedding"):
        _pairwise(walk, params)
        params["attention"] = f"pairwise_{place}"


def _pairwise(walk: Walk, params: dict[str, Any]) -> None:
    """Read queries, keys and values in the order in which the products take them."""
    params["positions"] = "none"
    if walk.next_is("PositionEmbedding"):
        layer = walk.take("PositionEmbedding", mode="add")
        walk.put("attention.table", layer, "embeddings", walk.array(layer, "embeddings", 2))
        params["positions"] = "learned"
    query = walk.take("Dense", activation="linear", use_bias=False)
    key = walk.take("Dense", activation="linear", use_bias=False)
    transposed = walk.take("Permute", dims=([2, 1],))
    product = walk.take("Lambda")
    if product.inputs != (query.name, transposed.name) or transposed.inputs != (key.name,):
        raise InputError(
            f"{walk.file.path}: layer '{product.name}' reads {', '.join(product.inputs)}, expected queries and keys"
        )
    walk.take("Softmax", axis=(2, -1))
    value = walk.take("Dense", activation="linear", use_bias=False)
    walk.take("Lambda")
    walk.take("Add")
    for name, layer in (("query", query), ("key", key), ("value", value)):
        walk.dense(f"attention.{name}", layer, bias=False)


def _read_factornet(walk: Walk, wanted: Wanted) -> dict[str, Any]:
    layer = walk.take("Conv1D", activation="relu", padding="valid", strides=1)
    width, n_channels, n_filters = walk.convolution("stages.0.block.0", layer, first=True)
    _per_position(walk, "stages.0.block.3", first=False)
    pool = _pool(walk)
    n_units, gate = walk.lstm("lstm")
    walk.take("Flatten")
    _, n_dense = walk.dense("first", walk.take("Dense", activation="relu"))
    n_static = 0
    if walk.skip("Concatenate"):
        n_in, _ = walk.dense("second", walk.take("Dense", activation="relu"))
        n_static = n_in - n_dense
    _, walk.n_tasks = walk.dense("out", walk.take("Dense", activation="sigmoid"))
    merge = _MERGES[walk.take("Maximum" if walk.next_is("Maximum") else "Average").kind]
    if walk.file.kernels_reversed:
        walk.notes.append("Theano's kernels were reversed: it convolves where others correlate.")
    params: dict[str, Any] = {"width": width, "n_filters": n_filters, "pool": pool}
    params |= {"n_units": n_units, "n_dense": n_dense}
    params |= {"dropout": walk.rate(), "dense_dropout": 0.0, "merge": merge, "gate": gate}
    return params | _inputs(walk, wanted, n_channels, n_static)


def _per_position(walk: Walk, target: str, *, first: bool) -> tuple[int, int]:
    """Read a dense layer that sees one position; here a convolution of width 1."""
    layer = walk.take("TimeDistributed", wrapped="Dense", activation="relu")
    kernel = walk.array(layer, "kernel", 2)
    kernel = walk.turned(layer, kernel) if first else kernel
    walk.put(f"{target}.weight", layer, "kernel", kernel.T[:, :, None])
    walk.put(f"{target}.bias", layer, "bias", walk.array(layer, "bias", 1))
    return kernel.shape[0], kernel.shape[1]


def _pool(walk: Walk) -> int:
    layer = walk.take("MaxPooling1D", padding="valid")
    pool, stride = layer.setting("pool_size"), layer.setting("strides")
    if stride not in (pool, None):
        raise InputError(f"{walk.file.path}: layer '{layer.name}' has strides {stride}, expected {pool}, its pool_size")
    return int(pool)


def _inputs(walk: Walk, wanted: Wanted, n_channels: int, n_static: int) -> dict[str, Any]:
    """Return what the model reads beside the bases, and what the user assumes of it."""
    n_tracks = n_channels - 4
    names = _TRACKS[2 - n_tracks :] if n_tracks <= 2 else [*_TRACKS, *(f"track{n}" for n in range(3, n_tracks + 1))]
    if n_tracks:
        walk.notes.append(f"The tracks beside the bases were taken for {', '.join(names)}, in this order.")
    known = [*names, "static"] if n_static else [*names]
    for name in wanted.assume:
        if name not in known:
            hint = did_you_mean(name, known) if known else "it reads the sequence alone"
            raise ConfigError(f"--assume {name}: this model does not read it; {hint}")
    given = {name: values for name, values in wanted.assume.items() if name != "static"}
    for name, values in given.items():
        if len(values) != 1:
            raise ConfigError(f"--assume {name}: expected one number, got {len(values)}")
    missing = [name for name in known if name not in wanted.assume]
    if missing:
        hint = " ".join(f"--assume {name}=NUMBER" for name in missing)
        walk.notes.append(
            f"Nothing is assumed for {', '.join(missing)}: to use the sequence alone, import with {hint}."
        )
    static = wanted.assume.get("static")
    if static is not None and len(static) == 1:
        static = static * n_static
    return {
        "tracks": list(names),
        "n_static": n_static,
        "assume_tracks": {name: values[0] for name, values in given.items()} or None,
        "assume_static": static,
    }


def _read_pap_megyeri(walk: Walk, wanted: Wanted) -> dict[str, Any]:
    wanted.check_nothing_assumed()
    kind = "Conv2D" if walk.next_is("Conv2D") else "Conv1D"
    paddings, regularised = [], False
    for number in (1, 2):
        layer = walk.take(kind, padding=("same", "valid"), strides=(1, [1, 1]), dilation_rate=(1, [1, 1], None))
        walk.check_activation(layer, "relu")
        walk.convolution(f"conv{number}", layer, first=number == 1)
        paddings.append(layer.setting("padding"))
        regularised = regularised or layer.setting("kernel_regularizer") is not None
    if paddings[0] != paddings[1]:
        raise InputError(f"{walk.file.path}: the convolutions are padded differently: {paddings[0]}, {paddings[1]}")
    walk.take(f"GlobalMaxPooling{kind[-2:]}")
    hidden = walk.take("Dense")
    walk.check_activation(hidden, "relu")
    walk.dense("dense", hidden)
    out = walk.take("Dense")
    walk.check_activation(out, "softmax")
    _, n_out = walk.dense("out", out)
    if n_out != 2:
        raise InputError(f"{walk.file.path}: layer '{out.name}' has {n_out} units, expected 2: unbound and bound")
    return {"padding": paddings[0], "regularised": regularised}


def _is_recurrent(file: KerasFile) -> bool:
    kinds = _kinds(file)
    return "Bidirectional" in kinds and "TimeDistributed" not in kinds and kinds.count("Conv1D") == 1


def _is_tbinet(file: KerasFile) -> bool:
    return _is_recurrent(file) and "Multiply" in _kinds(file)


def _is_danq(file: KerasFile) -> bool:
    return _is_recurrent(file) and "Multiply" not in _kinds(file)


def _read_tbinet(walk: Walk, wanted: Wanted) -> dict[str, Any]:
    _motif_stage(walk, wanted)
    score = walk.take("Dense", units=1, activation="linear")
    walk.dense("score", score)
    if not walk.skip("Permute"):
        walk.take("Flatten")
    walk.take("Activation", activation="softmax")
    walk.skip("Permute")
    walk.skip("Lambda", "RepeatVector") or walk.skip("RepeatVector")  # a mean over one value, and its copies
    walk.skip("Permute")
    walk.take("Multiply")
    return _recurrent_read_out(walk)


def _read_danq(walk: Walk, wanted: Wanted) -> dict[str, Any]:
    _motif_stage(walk, wanted)
    return _recurrent_read_out(walk)


def _motif_stage(walk: Walk, wanted: Wanted) -> None:
    wanted.check_nothing_assumed()
    layer = walk.take("Conv1D", padding="valid", strides=1, dilation_rate=(1, None))
    walk.check_activation(layer, "relu")
    walk.convolution("stages.0.block.0", layer, first=True)
    walk.take("MaxPooling1D", pool_size=13, strides=(13, None), padding="valid")


def _recurrent_read_out(walk: Walk) -> dict[str, Any]:
    _, gate = walk.lstm("recurrent")
    walk.take("Flatten")
    hidden = walk.take("Dense")
    walk.check_activation(hidden, "relu")
    walk.dense("dense", hidden)
    out = walk.take("Dense")
    walk.check_activation(out, "sigmoid")
    _, walk.n_tasks = walk.dense("out", out)
    return {"gate": gate}


FAMILIES = (
    Family(
        name="factornet", columns="ACGT", recognises=_is_factornet, read=_read_factornet, words="FactorNet (Keras 1)"
    ),
    Family(name="deepgrn", columns="ATGC", recognises=_is_deepgrn, read=_read_deepgrn, words="DeepGRN"),
    Family(
        name="pap_megyeri",
        columns="ACGT",
        recognises=_is_pap_megyeri,
        read=_read_pap_megyeri,
        words="the CNN of Pap & Megyeri",
    ),
    Family(name="tbinet", columns="AGCT", recognises=_is_tbinet, read=_read_tbinet, words="TBiNet"),
    Family(name="danq", columns="AGCT", recognises=_is_danq, read=_read_danq, words="DanQ"),
)
