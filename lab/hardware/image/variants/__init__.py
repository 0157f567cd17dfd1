"""The guests' variants: what each lays over the base image, one folder a layer."""
