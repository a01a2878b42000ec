"""Tekton Chains as its documentation has it: subjects from results named *ARTIFACT_OUTPUTS, a DSSE envelope, P-256.

Facts: tektoncd/chains docs/slsa-provenance.md (type hints), secure-systems-lab/dsse protocol.md (what is signed).
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

TYPE = "application/vnd.in-toto+json"


def results_of(folder: Path, declared: list[dict[str, Any]]) -> dict[str, str]:
    """What a TaskRun takes up: every declared result must be there, all of them together fit 4096 bytes."""
    found = {one["name"]: (folder / one["name"]).read_text("utf-8") for one in declared}
    assert sum(len(name) + len(text.encode()) for name, text in found.items()) < 4096
    return found


def attest(results: dict[str, str], key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    """The signed envelope over the artifacts that the results hint at."""
    subjects = []
    for name, text in results.items():
        if name.endswith("ARTIFACT_OUTPUTS"):
            hint = json.loads(text)
            algorithm, _, digest = hint["digest"].partition(":")
            assert algorithm == "sha256" and len(digest) == 64 and hint["uri"]
            subjects.append({"name": hint["uri"], "digest": {algorithm: digest}})
    assert subjects, "no result named *ARTIFACT_OUTPUTS: Chains signs nothing"
    statement = {"_type": "https://in-toto.io/Statement/v1", "subject": subjects,
                 "predicateType": "https://slsa.dev/provenance/v1", "predicate": {}}  # fmt: skip
    payload = json.dumps(statement).encode()
    signature = key.sign(_encoded(payload), ec.ECDSA(hashes.SHA256()))
    return {"payloadType": TYPE, "payload": base64.b64encode(payload).decode(),
            "signatures": [{"sig": base64.b64encode(signature).decode()}]}  # fmt: skip


def vouches(envelope: dict[str, Any], key: ec.EllipticCurvePublicKey, file: Path) -> bool:
    """Whether the envelope is signed by `key` and speaks of this very file."""
    payload = base64.b64decode(envelope["payload"])
    try:
        key.verify(base64.b64decode(envelope["signatures"][0]["sig"]), _encoded(payload), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return any(one["digest"].get("sha256") == digest for one in json.loads(payload)["subject"])


def _encoded(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding."""
    return b"DSSEv1 %d %b %d %b" % (len(TYPE), TYPE.encode(), len(payload), payload)
