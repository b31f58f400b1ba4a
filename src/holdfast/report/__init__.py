"""A report is a pure function of run folders: it reads them and writes one self-contained page. No torch."""

from holdfast.report.page import SECTIONS, render, write_report

__all__ = ["SECTIONS", "render", "write_report"]
