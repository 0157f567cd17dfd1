"""What runs beside the operator: observe, plan, act, verify."""
