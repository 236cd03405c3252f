"""Encoders of texts, images and sound whose every part is chosen by name."""
