"""How an outcome is shown: text, JSON, JUnit. They lay out and judge nothing; everything passes one redaction."""
