"""Guests, disks, network and volumes of one lab, real or none at all."""
