"""A package, other than the other folders: the browser is shared by these tests, and is gone when others begin.

Playwright's event loop stays "running" in the thread that started it, in which nobody else could run one.
"""
