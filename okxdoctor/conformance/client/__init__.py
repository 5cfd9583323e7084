"""Client grading: somebody's program runs against the exchange, and what it does on the wire is graded.

    okxdoctor conform client -- python mybot.py

A program is run several times, each time for one *round*: a fresh exchange and a set of circumstances (a bad
certificate, a refused login, an answer that never comes, a gap in the book …). Between the program and the exchange
stands a gateway: it writes down every byte that matters and is where the circumstances of the wire are made. What it
wrote down is a *trace*: plain values. A *case* is one requirement with its source; its judge is a pure function from
traces to a grade: passed, failed or not exercised.

``trace``      events of a round and the index that judges read
``cases``      the requirements, as data
``judges``     pure judgement; imports neither the exchange nor sockets nor clocks; ``judging`` chooses
``rounds``     which circumstances are played together, and what a program must do for them to matter
``gateway``    the wire: TLS, HTTP, WebSocket, circumstances; ``trap`` sees requests to other places
``program``    starting, watching and ending the program
``suite``      all of it
"""
