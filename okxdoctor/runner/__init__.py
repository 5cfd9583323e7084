"""The engine: discover checks, plan them, run them, draw the diagnosis. It knows no check by name."""
