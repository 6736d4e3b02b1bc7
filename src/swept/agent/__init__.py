"""The agent: claims runs, starts their programs below supervisors, and sees each of them to its end."""
