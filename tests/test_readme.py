"""The README cannot drift: its outputs are run again, its commands and codes are looked up.

python tests/test_readme.py        writes outputs and the picture anew
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PICTURE = ROOT / ".github" / "terminal.svg"
BLOCK = re.compile(r"(<!-- output: (?P<args>.*?) -->\n```text\n)(?P<text>.*?)(```\n<!-- end of output -->)", re.DOTALL)


def output(arguments: str, *, colour: bool = False) -> str:
    env = {**os.environ, "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"}
    env.pop("FORCE_COLOR", None)
    env["FORCE_COLOR" if colour else "NO_COLOR"] = "1"
    if colour:
        env.pop("NO_COLOR", None)
    done = subprocess.run(
        [sys.executable, "-m", "okxdoctor.cli.main", *shlex.split(arguments)],
        env=env, capture_output=True, text=True, encoding="utf-8", timeout=60,
    )  # fmt: skip
    return done.stdout


def shape(text: str) -> list[str]:
    """The words of an output: figures differ from run to run, and lines break where figures make them."""
    text = re.sub(r"\d+(\.\d+)?", "0", text)
    text = re.sub(r"[‘’]", "'", text)
    return text.split()


def blocks() -> list[re.Match[str]]:
    return list(BLOCK.finditer(README.read_text("utf-8")))


@pytest.mark.parametrize("block", blocks(), ids=lambda block: block["args"])
def test_a_printed_output_is_what_the_command_prints(block: re.Match[str]) -> None:
    def words(text: str) -> list[str]:
        # Durations come as ms or s, and counts of connections in the singular or plural.
        return [w for w in shape(text) if w not in ("ms", "s", "·", "0")]

    assert words(block["text"]) == words(output(block["args"]))


def test_there_is_an_output_and_a_picture_of_it() -> None:
    assert blocks()
    svg = PICTURE.read_text("utf-8")
    assert "okxdoctor" in svg
    assert "clock.ahead" in svg.replace("&#160;", " ")
    assert not re.search(r"""(href|src|url)\s*[=(]\s*["']?https?:""", svg), "the picture loads something"


def test_the_exit_codes_are_the_programs() -> None:
    from okxdoctor.runner import verdict

    told = {int(code) for code in re.findall(r"^\| (\d+) \|", README.read_text("utf-8"), re.MULTILINE)}
    meant = {value for name, value in vars(verdict).items() if name.startswith("EXIT_")}
    assert told == meant


def test_the_set_up_commands_stand_there_and_ci_runs_the_test_command() -> None:
    text = README.read_text("utf-8")
    assert "python3 -m venv .venv && . .venv/bin/activate && pip install . && okxdoctor run --target sim" in text
    assert "\npip install tox && tox\n" in text
    assert re.search(r"^pip install (--quiet )?tox && tox$", (ROOT / ".ci" / "run").read_text("utf-8"), re.MULTILINE)


def test_every_command_and_flag_in_it_exists() -> None:
    text = README.read_text("utf-8")
    code = "\n".join(re.findall(r"```\w*\n(.*?)```", text, re.DOTALL))
    commands = set(re.findall(r"^(?:- run: )?okxdoctor ([a-z]+)", code, re.MULTILINE))
    assert {"run", "list", "explain", "sim", "vectors"} <= commands
    helps = ("--help", "run --help", "sim --help", "inspect --help", "conform sign --help", "conform client --help")
    helped = "".join(map(output, helps))
    for command in commands:
        assert re.search(rf"^  {command}\b", helped, re.MULTILINE), command
    for flag in set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)):
        assert flag in helped, flag


def test_the_architecture_is_drawn_in_under_sixty_lines() -> None:
    section = README.read_text("utf-8").split("## Architecture")[1].split("### Adding a check")[0]
    assert len(section.splitlines()) < 60


def write() -> None:
    """Bring outputs and picture up to date."""
    from rich.console import Console
    from rich.text import Text

    def fresh(block: re.Match[str]) -> str:
        return f"{block[1]}{output(block['args'])}{block[4]}"

    README.write_text(BLOCK.sub(fresh, README.read_text("utf-8")), "utf-8")
    arguments = blocks()[0]["args"]
    console = Console(record=True, width=82, file=open(os.devnull, "w"), force_terminal=True)  # noqa: SIM115
    console.print(Text(f"$ okxdoctor {arguments}", style="bold"))
    console.print(Text.from_ansi(output(arguments, colour=True)))
    svg = console.export_svg(title="okxdoctor")
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL).replace("Fira Code", "monospace")
    svg = svg.replace("<svg ", '<svg xml:space="preserve" ', 1)  # some renderers trim even hard blanks
    PICTURE.write_text(svg, "utf-8")


if __name__ == "__main__":
    write()
