"""The exchange itself: state, rules and protocol without sockets, threads or a clock of its own.

Nothing in this package reads the time, opens a socket or knows HTTP: time comes in through
``clock.Clock`` (whose source is injected), bytes come in as ``protocol.Request`` or as the text of a
WebSocket message and leave as ``protocol.Reply`` or ``wsproto.Send``/``Close``. It shares no code with
the parts of okxdoctor that judge an exchange, so an error in one cannot hide in the other.
"""
