"""The first page of a run made by hand."""

from holdfast.runs.records import RunRecord


def record(name: str = "sp1 worst", config_hash: str = "0123456789abcdef") -> RunRecord:
    return RunRecord(
        name=name,
        status="running",
        model="holdfast",
        model_words="holdfast ()",
        n_parameters=12,
        strategy="Worst",
        window=8,
        context=12,
        seed=3,
        data_name="sp1",
        started="2026-01-02T03:04:05+00:00",
        versions={"holdfast": "0.1.0"},
        device="cpu",
        config_hash=config_hash,
        extra={"gap": float("nan")},
    )
