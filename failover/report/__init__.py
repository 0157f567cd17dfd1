"""The report of a run: read from its journal, drawn, and written as a page, as Markdown and as text."""
