"""What schemathesis does not know of itself."""

import json

import schemathesis


def text(value):
    """The schema of lines is a text; what else is made of it goes as one line of JSON."""
    told = value if isinstance(value, str) else json.dumps(value)
    return told.encode("utf-8", "replace")


@schemathesis.serializer("application/x-ndjson")
def lines(ctx, value):
    """One event a line, or something else."""
    return text(value)


@schemathesis.serializer("application/vnd.tallyring.batch")
def batch(ctx, value):
    """Nothing that is made of the schema is a batch; it must be refused as such."""
    return text(value)
