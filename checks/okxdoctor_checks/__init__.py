"""The built-in checks, one module each. They enter by the entry-point group ``okxdoctor.checks``."""
