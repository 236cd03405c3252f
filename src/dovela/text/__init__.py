"""Tokenizers: one specification, a Python engine and one on the Rust library `tokenizers`."""
