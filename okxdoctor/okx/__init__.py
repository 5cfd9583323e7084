"""The exchange's rules as pure code: no sockets, no clocks, no files, the standard library only.

* `signing`: what is signed and how, the request path and the body that go on the wire
* `timestamps`: the header format, epoch fields, and why a text is not a timestamp
* `precision`: exact numbers, ticks, bands, lots; `off_grid`: why a price or size does not fit
* `wire_numbers`: what is wrong with the way a number is written
* `envelope`: what an answer says; `json_text`: JSON without floats and without exceptions; `retry`: sending again

Every function is deterministic: a time is always an argument.
"""
