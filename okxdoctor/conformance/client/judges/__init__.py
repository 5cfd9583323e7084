"""Pure judgement, one module for each matter. Imports neither the exchange nor sockets nor clocks; total."""
