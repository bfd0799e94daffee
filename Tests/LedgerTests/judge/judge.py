"""Holds a served ledger against its own OpenAPI document, with the public packages openapi-spec-validator and schemathesis.

    judge.py URL

asks URL for the document, and everything in it for answers: to requests that fit the document and to others that do not. It
exits 0 where each answer is as the document says, nothing that the document forbids is taken, and every operation has
succeeded too; else it says what is wrong. The requests are the same at each run.
"""

import os
import sys
import tempfile
from collections import defaultdict

import requests
import schemathesis
from openapi_spec_validator import validate
from schemathesis.cli import schemathesis as command

CHECKS = [
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "negative_data_rejection", "missing_required_header", "unsupported_method",
    "allow_header_conformance",
]

url = sys.argv[1]
document = requests.get(f"{url}/openapi.json", timeout=10).json()
validate(document)
# schemathesis leaves notes where it runs.
scratch = tempfile.TemporaryDirectory()
os.chdir(scratch.name)

accounts, transfers, holds = [], [], []
# The document itself is asked for above.
sent, succeeded = defaultdict(list), {"getDocument"}
calls = 0


def name(case):
    return case.operation.definition.raw["operationId"]


def open_account(path):
    """Accounts between which the transfers below may go."""
    answer = requests.post(
        f"{url}/accounts", json={"path": path, "asset": "USD"}, headers={"Idempotency-Key": f"open-{path}"}, timeout=10)
    answer.raise_for_status()
    accounts.append(answer.json()["id"])


def balance(legs):
    """What was generated never sums to zero, nor knows the accounts: other numbers, the same shape."""
    for place, leg in enumerate(legs):
        leg |= {"account_id": accounts[place % 2], "asset": "USD", "amount": abs(int(leg["amount"])) % 1000 + 1}
    legs[-1]["amount"] = -sum(leg["amount"] for leg in legs[:-1])


@schemathesis.hook
def before_call(context, case, kwargs):
    """Makes every second request that fits the document one that the ledger can do, or one that was sent before."""
    global calls
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    calls += 1
    if calls % 2:
        return
    operation = name(case)
    if calls % 8 == 0 and sent[operation]:
        body, headers, path_parameters = sent[operation][-1]
        case.body, case.headers, case.path_parameters = body, headers, path_parameters
        return
    if "/accounts/" in case.path:
        case.path_parameters["id"] = accounts[calls % len(accounts)]
    elif "/holds/" in case.path and holds:
        case.path_parameters["id"] = holds.pop()
        # Settles or releases all that is held.
        case.body = {}
    elif "/transfers/" in case.path and transfers:
        case.path_parameters["id"] = transfers[-1]
    elif operation == "listTransfers":
        case.query = {"account_id": accounts[0], "limit": "3"}
    if case.method == "POST":
        case.headers["Idempotency-Key"] = f"judge-{calls}"
        if isinstance(case.body, dict) and case.body.get("legs"):
            balance(case.body["legs"])
        sent[operation].append((case.body, case.headers, case.path_parameters))


@schemathesis.hook
def after_call(context, case, response):
    if not 200 <= response.status_code < 300:
        return
    operation = name(case)
    succeeded.add(operation)
    if response.status_code == 201 and operation in ("postTransfer", "holdTransfer"):
        (transfers if operation == "postTransfer" else holds).append(response.json()["id"])


open_account("Judged:One")
open_account("Judged:Two")
status = command(
    [
        "run", f"{url}/openapi.json", "--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing",
        "--max-examples", "25", "--generation-deterministic",
        "--suppress-health-check", "all", "--request-timeout", "20", "--no-color", "--warnings", "off",
    ],
    standalone_mode=False)
named = {one["operationId"] for path in document["paths"].values() for one in path.values()}
if unmet := named - succeeded:
    print(f"never succeeded: {', '.join(sorted(unmet))}")
sys.exit(status or bool(unmet))
