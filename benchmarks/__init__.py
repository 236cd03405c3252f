"""Benchmarks of dovela against its peers and against the floors under it, all inside one run."""
