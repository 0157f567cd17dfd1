"""The instance metadata service of the lab: what a guest may read about itself at 169.254.169.254/opc/v2/.

It tells guests apart by source address and reads the API's database without writing.
"""
