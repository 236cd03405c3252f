"""BERT (Devlin et al. 2018, https://arxiv.org/abs/1810.04805)."""
