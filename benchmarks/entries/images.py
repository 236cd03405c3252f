"""From images to `pixel_values`: convert, resize, rescale, normalise."""

from ..entry import Contender, Entry, Metric, Target, floor

CLASSES = {
    "dovela": "from dovela import ViTImageProcessor as Extractor",
    "transformers-4": "from transformers import ViTImageProcessor as Extractor",
    "transformers-5": "from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil as Extractor",
}
"""Environment -> its extractor on Pillow. The other one of 5.x needs torchvision."""

MADE = """
import os, numpy
from PIL import Image
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
rng = numpy.random.default_rng(0)
def photo():
    coarse = Image.fromarray(rng.integers(0, 256, (HEIGHT // 8, WIDTH // 8, 3), dtype='uint8'))
    smooth = numpy.asarray(coarse.resize((WIDTH, HEIGHT), 3)).astype('int16')
    return Image.fromarray((smooth + rng.integers(-8, 9, smooth.shape)).clip(0, 255).astype('uint8'))
pictures = [photo() for _ in range(COUNT)]
images = IMAGES
"""
"""Colour that changes slowly, with grain: what a photo is to a filter."""
FORMS = {
    "PIL": "pictures",
    "numpy": "[numpy.asarray(picture) for picture in pictures]",
    "numpy, channels first": (
        "[numpy.ascontiguousarray(numpy.asarray(picture).transpose(2, 0, 1)) for picture in pictures]"
    ),
    "numpy, floats": "[numpy.asarray(picture).astype('float32') / 255 for picture in pictures]",
}
"""What the images come as -> the code that makes them of `pictures`."""
RESIZE = {"PIL": "image", "numpy": "Image.fromarray(image)"}
PEERS = ("transformers-4", "transformers-5")
BARE = "Pillow's resize alone"


def made(form: str, height: int, width: int, count: int, cores: int) -> str:
    """The code that makes the images."""
    values = {"IMAGES": FORMS[form], "HEIGHT": height, "WIDTH": width, "COUNT": count, "CORES": cores}
    code = MADE
    for name, value in values.items():
        code = code.replace(name, str(value))
    return code


def entry(
    form: str, cores: int, faster: float | None, *, count: int = 32, height: int = 480, width: int = 640
) -> Entry:
    """`faster`: how many times as fast as either peer dovela shall be."""
    setup = made(form, height, width, count, cores)
    contenders = [
        Contender(name, name, "out = extractor(images, return_tensors='np')", f"{setup}{code}\nextractor = Extractor()")
        for name, code in CLASSES.items()
    ]
    targets = [Target(Metric.WALL, 1 / faster, of=peer) for peer in PEERS] if faster else []
    if form in RESIZE:
        resized = f"out = [{RESIZE[form]}.resize((224, 224), 2) for image in images]"
        contenders.append(floor(BARE, resized, setup))
        if cores == 1 and (height, width) == (480, 640) and count > 1:
            targets.append(Target(Metric.WALL, 1.25, of=BARE))
    batch = f"{count} images of {width} x {height}" if count > 1 else f"One image of {width} x {height}"
    return Entry(
        f"prepare images: {form}, {count} x {width} x {height}, {cores} core{'s' * (cores > 1)}",
        f"{batch} to 224 x 224 by the bilinear filter, rescaled, normalised, in one array.",
        contenders,
        targets=targets,
        rounds=7,
        note="Nothing is decoded. The peers have one thread; of 5.x it is the extractor on Pillow.",
    )


ENTRIES = [
    entry("PIL", 1, 1.6),
    entry("PIL", 2, 2.5),
    entry("numpy", 1, 1.6),
    entry("numpy", 2, 2.5),
    entry("numpy, channels first", 1, 1.6),
    entry("numpy, floats", 1, 1.6),
    entry("PIL", 1, None, count=1),
    entry("PIL", 2, None, count=8, height=1080, width=1920),
    entry("PIL", 2, None, count=256, height=32, width=32),
]
