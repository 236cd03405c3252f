"""The ready-made architectures, one folder each: config.py, weights.py, torch_model.py, tokenizer.py."""
