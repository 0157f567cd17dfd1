"""Addresses and names: the subnet, VNICs, private IPs, DNS."""
