"""A picture of what a classifier of images said."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

CELL, CAPTION, COLUMNS, MOST = 64, 18, 12, 60
PAPER, INK, WRONG = (250, 250, 248), (60, 60, 60), (190, 30, 45)


def predictions(path: Path, images: Sequence[Any], guesses: Sequence[object], labels: Sequence[object]) -> str:
    """Draw up to 60 images (uint8 (H, W) or (H, W, 3)) with the guess under each; wrong ones come first, in red."""
    from PIL import Image, ImageDraw

    order = sorted(range(len(images)), key=lambda i: guesses[i] == labels[i])[:MOST]
    rows = -(-len(order) // COLUMNS)
    picture = Image.new("RGB", (COLUMNS * CELL, rows * (CELL + CAPTION)), PAPER)
    draw = ImageDraw.Draw(picture)
    for place, i in enumerate(order):
        x, y = place % COLUMNS * CELL, place // COLUMNS * (CELL + CAPTION)
        side = CELL - 8
        scaled = Image.fromarray(images[i]).convert("RGB").resize((side, side), Image.Resampling.NEAREST)
        picture.paste(scaled, (x + 4, y + 4))
        right = guesses[i] == labels[i]
        text = f"{guesses[i]}" if right else f"{guesses[i]} (is {labels[i]})"
        draw.text((x + CELL / 2, y + CELL), text, fill=INK if right else WRONG, anchor="mt")
    picture.save(path)
    wrong = sum(guess != label for guess, label in zip(guesses, labels, strict=True))
    return f"{path}: {len(order)} of {len(images)} images, {wrong} wrong"
