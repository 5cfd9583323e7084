"""Logs and HAR files after the fact: which failures of OKX they hold, when, how often, and what may be behind them.

`lines` cuts a file into lines in bounded memory, `times` finds the moment of a line, `signals` finds failures in it,
`ledger` counts requests for the rate limits, `gather` reads whole files, `judge` names causes, `report` lays out.
"""
