"""Where programs run. Each executor is imported only when it is named."""
