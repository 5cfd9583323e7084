"""The exchange itself: state, rules and protocol without sockets, threads or a clock of its own.

Nothing in this package reads the time, opens a socket or knows HTTP: time comes in through
``clock.Clock`` (whose source is injected), bytes come in as ``protocol.Request`` or as the text of a
WebSocket message and leave as ``protocol.Reply`` or ``wsproto.Send``/``Close``. It shares no code with
the parts of okxdoctor that judge an exchange, so an error in one cannot hide in the other.

    state       exchange (sites, keys), venue (one site in one environment), accounts, orders, algos, bills, instruments
    market      market (the seeded path), depth (a book), prices (mark, index, funding), listing, tiers
    rules       tickets, trading, matching (and the passing of time), clearing, positions, margin, funds
    time        seasons (funding, interest, expiries, timers), triggers (algo orders), risk (liquidation)
    requests    rest (the gateway), auth, limits and budgets, rest_* (handlers), paging, statements
    WebSocket   wsproto, channels, feeds_*, ws_*
    operator    backstage; what faults change is in circumstances and *_world
"""
