"""How the result of a conformance run is shown: text, JSON, JUnit. They lay out and judge nothing."""
