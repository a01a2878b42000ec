"""Kotaemon: a RAG assistant whose releases share their stores."""
