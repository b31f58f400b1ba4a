"""The heart: which windows an adversary may pick, and what the model says in every one of them."""
