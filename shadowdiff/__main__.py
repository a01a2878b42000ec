"""The process boundary: run the CLI and turn every ending into its exit code.

A crash is 70, never 1: 1 stops a release, and a bug of ours says nothing about the release.
"""

from __future__ import annotations

import os
import sys
import traceback


def main() -> None:
    """Entry point of the `shadowdiff` command."""
    sys.exit(_run(sys.argv[1:]))


def _run(arguments: list[str]) -> int:
    import click

    from shadowdiff.cli.main import cli
    from shadowdiff.errors import Exit, ShadowdiffError, first_of

    if os.environ.get("GITHUB_ACTIONS") == "true":
        from shadowdiff.report.github import guard

        guard()
    try:
        result = cli.main(arguments, prog_name="shadowdiff", standalone_mode=False)
        return int(result) if isinstance(result, int) else 0
    except click.ClickException as error:
        error.show()
        return int(Exit.USAGE)
    except (click.Abort, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
        return int(Exit.INTERRUPTED)
    except ShadowdiffError as error:
        print(f"error: {_flat(str(error))}", file=sys.stderr)
        return int(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # else the interpreter complains once more at exit
        return int(Exit.BUG)
    except BaseExceptionGroup as group:
        known = group.subgroup(ShadowdiffError)
        if known is not None and not group.split(ShadowdiffError)[1]:
            first = first_of(known)
            print(f"error: {_flat(str(first))}", file=sys.stderr)
            return int(first.exit_code) if isinstance(first, ShadowdiffError) else 70
        return _crash()
    except Exception:
        return _crash()


def _crash() -> int:
    traceback.print_exc()
    print("error: this is a bug in shadowdiff, not a verdict; please report the lines above", file=sys.stderr)
    return 70


def _flat(text: str) -> str:
    from shadowdiff.report.plain import one_line

    return one_line(text)


if __name__ == "__main__":
    main()
