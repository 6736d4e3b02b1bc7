"""What should run next: pure functions of a sweep's log. The front door is `swept.search.suggest`."""
