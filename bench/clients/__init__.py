"""The clients' fan-out beside ansible, pdsh and clush: one sshd on many loopback addresses."""
