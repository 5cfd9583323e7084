"""The report as one JSON document: ``okxdoctor.report/1``, described by ``report.schema.json`` beside this file."""

from __future__ import annotations

from okxdoctor.model import Report
from okxdoctor.reports.look import Look
from okxdoctor.reports.values import report_value, to_json

NAME = "json"
SAYS = "one document, schema okxdoctor.report/1"


def render(report: Report, look: Look) -> str:
    return to_json(report_value(report), indent=2) + "\n"
