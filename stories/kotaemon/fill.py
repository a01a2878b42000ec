"""Put the documents into Chroma and the table of conversations into PostgreSQL, as an installation would."""

from __future__ import annotations

import argparse
import json
import urllib.request

import chromadb
import psycopg
from documents import passages

TABLE = """CREATE TABLE IF NOT EXISTS conversation (id text PRIMARY KEY, "user" text NOT NULL,
data_source jsonb NOT NULL, date_created timestamptz DEFAULT now(), date_updated timestamptz DEFAULT now())"""

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgres", required=True)
    parser.add_argument("--chroma", type=int, required=True)
    parser.add_argument("--model", required=True)
    told = parser.parse_args()
    with psycopg.connect(told.postgres) as db:
        db.execute(TABLE)
    rows = list(passages())
    asked = json.dumps({"model": "stub", "input": [asked for _, asked, _ in rows]}).encode()
    request = urllib.request.Request(f"{told.model}/embeddings", asked, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as reply:
        vectors = [one["embedding"] for one in json.loads(reply.read())["data"]]
    documents = chromadb.HttpClient(host="127.0.0.1", port=told.chroma).get_or_create_collection("documents")
    documents.upsert(
        ids=[str(number) for number in range(len(rows))],
        documents=[text for _, _, text in rows],
        metadatas=[{"title": title} for title, _, _ in rows],
        embeddings=vectors,
    )
