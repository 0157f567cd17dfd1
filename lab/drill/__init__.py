"""The rehearsal: what fails, through which door the service moves, and what is proven afterwards."""
