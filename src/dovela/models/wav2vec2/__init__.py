"""Wav2Vec2 (Baevski et al. 2020, https://arxiv.org/abs/2006.11477)."""
