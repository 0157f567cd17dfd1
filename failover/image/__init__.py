"""The golden image: taken of the serving server beside its service, kept, and named to Terraform."""
