"""After the fact: what a captured request tells about the client that made it.

* `capture`: the request or login as a value; `readers`: the formats it comes in
* `axes`: the mistakes that clients make, one module for each part of what is signed; `search`: all single ones and all
  pairs, recomputed until one gives the captured signature
* `visible`, `order_rules`: what can be judged without the secret
* `inspection`: both together, as diagnoses; `words`: the report

Nothing here opens a socket, reads a clock or keeps a secret. Every text that leaves goes through `okxdoctor.redact`.
"""
