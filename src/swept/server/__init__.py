"""The server: native API, W&B's API, events, files, the page. Async only here, over a synchronous core."""
