"""Thin servers around the core: HTTP and WebSocket (aiohttp), control, start and stop."""
