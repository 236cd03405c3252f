"""Configurations as `transformers` writes and reads them; the functions run in a peer's process."""

from typing import Any


def write(folder: str, kind: str, values: dict[str, Any]) -> dict[str, Any]:
    """Save a configuration of model type `kind`, and give its values back."""
    from transformers import AutoConfig

    config = AutoConfig.for_model(kind, **values)
    config.save_pretrained(folder)
    return config.to_dict()


def read(folder: str) -> dict[str, Any]:
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(folder).to_dict()
