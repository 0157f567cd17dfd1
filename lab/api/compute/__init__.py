"""Instances, images, volumes and their attachments."""
