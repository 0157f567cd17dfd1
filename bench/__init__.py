"""Measurements that the documentation's figures come from; run by `./inv bench`."""
