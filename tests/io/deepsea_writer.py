"""Small files of exactly the shapes of DeepSEA's."""

from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray
from scipy.io import savemat

COMPLEMENT = np.array([3, 2, 1, 0, 4], dtype=np.uint8)
# Columns of the files are A, G, C, T; the row is the code at rest.
COLUMNS = np.array([[1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]], dtype=np.uint8)
WIDTH = 919


def halves(
    pairs: int = 8, *, length: int = 50, width: int = WIDTH, seed: int = 0, rate: float = 0.3
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return (2n, L) codes, forward ones first and their reverse complements behind, and (2n, T) labels."""
    rng = np.random.default_rng(seed)
    forward = rng.integers(0, 4, (pairs, length), dtype=np.uint8)
    forward[0, 3] = 4
    labels = (rng.random((pairs, width)) < rate).astype(np.uint8)
    return np.concatenate([forward, COMPLEMENT[forward[:, ::-1]]]), np.concatenate([labels, labels])


def write_hdf5(path: Path, codes: NDArray[np.uint8], labels: NDArray[np.generic], *, part: str = "train") -> Path:
    """Write ``train.mat``: (L, 4, N) and (T, N) as h5py sees MATLAB's arrays."""
    with h5py.File(path, "w") as file:
        file.create_dataset(f"{part}xdata", data=COLUMNS[codes].transpose(1, 2, 0), chunks=True, compression="gzip")
        file[f"{part}data"] = labels.T
    return path


def write_matlab(path: Path, codes: NDArray[np.uint8], labels: NDArray[np.generic], *, part: str = "test") -> Path:
    """Write ``valid.mat`` or ``test.mat``: (N, 4, L) and (N, T)."""
    bases = COLUMNS[codes].transpose(0, 2, 1)
    savemat(path, {f"{part}xdata": bases, f"{part}data": labels}, do_compression=True)
    return path


def write_npz(path: Path, codes: NDArray[np.uint8], labels: NDArray[np.generic]) -> Path:
    """Write ``train_e.npz``: x (N, L, 4) and y (N, T), bool."""
    np.savez_compressed(path, x=COLUMNS[codes].astype(bool), y=labels.astype(bool))
    return path
