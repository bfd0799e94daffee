"""Reads requests of OTLP over HTTP in JSON by the public package opentelemetry-proto, as a collector does.

    judge.py FILE...

Each file is the body of a request. For each span of it a JSON line is printed, as the messages of protobuf hold it. The
first thing that is no ExportTraceServiceRequest, or no span that a collector would keep, ends it with 1.

OTLP's JSON is protobuf's JSON mapping but for one thing: trace and span ids are hexadecimal (OTLP specification, "JSON
Protobuf Encoding"), where the mapping, and with it json_format, has bytes in base64. So the ids are decoded here, held
against the length that they must have, and encoded anew, before json_format reads everything else. It refuses members that
it does not know.
"""

import base64
import json
import re
import sys

from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

LENGTHS = {"traceId": 16, "spanId": 8, "parentSpanId": 8}


def with_base64(holder):
    for name, length in LENGTHS.items():
        if name in holder:
            digits = holder[name]
            assert re.fullmatch(f"[0-9a-f]{{{2 * length}}}", digits), f"{name} is {digits!r}"
            holder[name] = base64.b64encode(bytes.fromhex(digits)).decode()


def read(path):
    with open(path, encoding="utf-8") as file:
        body = json.load(file)
    for resource in body["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                for holder in [span, *span.get("links", [])]:
                    with_base64(holder)
    request = Parse(json.dumps(body), ExportTraceServiceRequest())
    # What it is on the wire says all of it.
    assert ExportTraceServiceRequest.FromString(request.SerializeToString()) == request
    return request


def value(any_value):
    kind = any_value.WhichOneof("value")
    if kind == "array_value":
        return [value(element) for element in any_value.array_value.values]
    return None if kind is None else getattr(any_value, kind)


def pairs(attributes):
    names = [attribute.key for attribute in attributes]
    assert len(names) == len(set(names)), f"a name comes twice: {names}"
    return {attribute.key: value(attribute.value) for attribute in attributes}


def told(span, scope, resource):
    assert any(span.trace_id) and any(span.span_id) and span.name, "a span without an id or a name"
    assert 0 < span.start_time_unix_nano <= span.end_time_unix_nano, "a span that ends before it starts"
    assert span.kind in Span.SpanKind.values() and span.status.code in Status.StatusCode.values()
    return {
        "traceId": span.trace_id.hex(), "spanId": span.span_id.hex(), "parentSpanId": span.parent_span_id.hex(),
        "traceState": span.trace_state, "flags": span.flags, "name": span.name, "kind": Span.SpanKind.Name(span.kind),
        "start": str(span.start_time_unix_nano), "end": str(span.end_time_unix_nano),
        "attributes": {name: str(value) for name, value in pairs(span.attributes).items()},
        "events": [event.name for event in span.events], "droppedEvents": span.dropped_events_count,
        "links": [link.trace_id.hex() + "-" + link.span_id.hex() for link in span.links],
        "droppedLinks": span.dropped_links_count,
        "status": Status.StatusCode.Name(span.status.code), "message": span.status.message,
        "scope": f"{scope.name} {scope.version}", "resource": pairs(resource.attributes),
    }


for path in sys.argv[1:]:
    for resource in read(path).resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                print(json.dumps(told(span, scope.scope, resource.resource)))
