"""HTML, Markdown, JUnit and JSON from the same verdicts."""
