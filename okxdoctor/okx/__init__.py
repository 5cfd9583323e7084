"""The exchange's rules as pure code: no sockets, no clocks, no files.

`signing` (what is signed and how), `timestamps` (the header format and epoch fields), `precision` (ticks,
lots and number texts), `envelope` (what an answer says). Every function is deterministic: a time is always an
argument.
"""
