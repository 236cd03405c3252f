"""What the Keras models do with a checkpoint, as numpy arrays under torch's state names, on whichever backend is on."""

from __future__ import annotations

from typing import Any

import numpy as np

from in_flax import moved

Arrays = dict[str, Any]


def opened(name: str, folder: str, **options: Any) -> Any:
    import dovela

    return getattr(dovela, "TF" + name).from_pretrained(folder, **options)


def path(variable: Any) -> tuple[str, ...]:
    """From the model, itself left out, to the variable."""
    return tuple(variable.path.split("/")[1:])


def by_state_name(variables: Any, values: Any = None) -> Arrays:
    """Values of variables, or what is given for them, as torch names and lays them out; None where that is None."""
    from dovela.leaves import KERAS_LEAVES

    found: Arrays = {}
    for variable, value in zip(variables, variables if values is None else values, strict=True):
        array = None if value is None else KERAS_LEAVES.to_file(path(variable), as_numpy(value))
        found[KERAS_LEAVES.name(path(variable))] = array
    return found


def as_numpy(value: Any) -> np.ndarray:
    from keras import ops

    return np.array(ops.convert_to_numpy(ops.convert_to_tensor(value)))


def run(name: str, folder: str, inputs: Arrays, weights: Arrays) -> Arrays:
    """Every output, and the gradients of the loss or else of the outputs weighted."""
    model = opened(name, folder)
    output, gradients = _gradients(model, {**inputs, **ALL_OUTPUTS}, weights, training=False)
    found = by_state_name(model.trainable_variables, gradients)
    return {**flatten(output), "gradients": {key: value for key, value in found.items() if value is not None}}


ALL_OUTPUTS = {"output_hidden_states": True, "output_attentions": True}


def eagerly(name: str, folder: str, inputs: Arrays) -> Arrays:
    """Every output of a plain call."""
    return flatten(opened(name, folder)(**inputs))


def step(name: str, folder: str, inputs: Arrays, weights: Arrays) -> Arrays:
    """How far one step of training takes each parameter: of `fit`, or without a loss of the weighted outputs."""
    import keras

    model = opened(name, folder)
    before = by_state_name(model.trainable_variables)
    optimizer = keras.optimizers.SGD(1.0)
    if weights:
        _, gradients = _gradients(model, inputs, weights, training=True)
        known = [(g, v) for g, v in zip(gradients, model.trainable_variables, strict=True) if g is not None]
        optimizer.apply_gradients(known)
    else:
        model.compile(optimizer, jit_compile=keras.backend.backend() == "jax")
        rows = len(next(iter(inputs.values())))
        model.fit(inputs, batch_size=rows, epochs=1, shuffle=False, verbose=0)
    return moved(before, by_state_name(model.trainable_variables))


def save(name: str, folder: str, out: str, shard: str = "5GB") -> None:
    opened(name, folder).save_pretrained(out, max_shard_size=shard)


def train(name: str, folder: str, data: Arrays, held_out: Arrays, epochs: int, batch: int, out: str) -> np.ndarray:
    """Train on `data`, batch after batch in its order; the logits of what is held out. The model is saved in `out`."""
    import keras

    model = opened(name, folder)
    model.compile(keras.optimizers.AdamW(1e-3, weight_decay=0.01, epsilon=1e-8))
    model.fit(data, batch_size=batch, epochs=epochs, shuffle=False, verbose=0)
    model.save_pretrained(out)
    return np.asarray(model.predict(held_out, verbose=0).logits)


def shapes(name: str, config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """The shape of every parameter of a new model in torch's layout, by state name."""
    import dovela

    cls = getattr(dovela, "TF" + name)
    return {key: value.shape for key, value in by_state_name(cls(cls.config_class(**config)).weights).items()}


def flatten(output: Any) -> Arrays:
    return {
        key: [as_numpy(v) for v in value] if isinstance(value, tuple | list) else as_numpy(value)
        for key, value in output.items()
    }


def total(output: Any, weights: Arrays) -> Any:
    from keras import ops

    if not weights:
        return output["loss"]
    return sum(ops.sum(output[key] * weight) for key, weight in weights.items())


def _gradients(model: Any, inputs: Arrays, weights: Arrays, training: bool) -> tuple[Any, list[Any]]:
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            output = model(**inputs, training=training)
            objective = total(output, weights)
        return output, tape.gradient(objective, [v.value for v in model.trainable_variables])
    import jax

    fixed = [v.value for v in model.non_trainable_variables]

    def objective_of(values: Any) -> Any:
        output, _ = model.stateless_call(values, fixed, **inputs, training=training)
        return total(output, weights), output

    values = [v.value for v in model.trainable_variables]
    gradients, output = jax.jit(jax.grad(objective_of, has_aux=True))(values)
    return output, gradients


def exported_speech(folder: str, samples: int | None) -> list[int] | str:
    """The shape of what an exported Wav2Vec2 says, or why it is not exported; None: for clips of any length."""
    import keras
    import tensorflow as tf

    import dovela
    import sounds

    model = dovela.TFWav2Vec2ForCTC(dovela.Wav2Vec2Config(**sounds.WAV2VEC2))
    dtypes = {"input_values": "float32", "attention_mask": "int32"}
    given = {name: ((None, samples), dtype) for name, dtype in dtypes.items()}
    try:
        model(**{name: keras.Input((samples,), dtype=dtype) for name, dtype in dtypes.items()})
        model.export(folder, input_signature=given, verbose=False)
    except dovela.InputError as error:
        return str(error)
    served = tf.saved_model.load(folder)
    clips = {name: np.ones((2, samples or 900), dtype) for name, dtype in dtypes.items()}
    return list(served.serve(clips)["logits"].shape)
