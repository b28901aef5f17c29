"""Everything that is known about the OpenAI management API."""
