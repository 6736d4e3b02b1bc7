"""Whether runs should go on: pure functions of a sweep's log. The front door is `swept.stopping.decide`."""
