"""What can be wrong with a host, with a site, and with the operator's own machine, on real guests."""
