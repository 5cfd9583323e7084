"""okxdoctor: why does my integration with the OKX API v5 not work, and will it work tomorrow?"""

__version__ = "0.1.0"
