"""DistilBERT: BERT without token types and pooler, half as deep (Sanh et al. 2019, https://arxiv.org/abs/1910.01108)."""
