"""Oracle Cloud's API in miniature: the SDK's own paths and models over HTTP, in front of the lab's hardware.

Cut: `urls` (what is modelled) → `server` (HTTP in and out) → one module per kind of resource (the rules) →
`errors`. State changes that take time are rows in SQLite, carried out by `worker`: they outlive the process.
The model may omit, never lie: what it does not model is answered with 501.
"""
