"""The network around the embedded exchange: certificates, names, time, proxies, and what goes wrong with them.

Everything here is a real server on loopback that an unchanged client talks to.  ``plan.net_plan``
turns the faults that are on (``faults.FAULTS``) into a ``NetPlan``; the modules below carry one out:

    ca      own certificate authority, leaves, server contexts        tls    fronts for healthy and broken TLS
    dns     name server (UDP and TCP)                                 tcp    ports that are open, closed, filtered, mute
    ntp     time server on any clock                                  delay  forwarder that adds a round-trip time
    proxy   HTTP CONNECT proxy      socks  SOCKS5 proxy               proxying  what both have in common
    edge    all of it started, switched by a plan, and asked for another plan by single connections, lookups, tunnels
"""
