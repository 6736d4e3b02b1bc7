"""Moving house: from a W&B server, or from folders of runs logged offline, to a swept server.

| module | what it does |
|---|---|
| `source` | reads the other server through the installed client's public API |
| `found` | what a run says there, as plain values; what its state means here |
| `config` | a sweep's config there, as a sweep file that is read here |
| `bring` | one run: rows, system metrics, console, files |
| `project` | a whole project or sweep, several runs at a time |
| `offline` | folders of runs, through the client's own `wandb sync` |
| `came` | what came, what did not, and why |
"""
