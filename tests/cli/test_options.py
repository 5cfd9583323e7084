"""What several commands have in common is the same everywhere."""

from __future__ import annotations

from collections.abc import Iterator

import click

from okxdoctor.cli.main import okxdoctor


def commands(group: click.Group, path: str = "okxdoctor") -> Iterator[tuple[str, click.Command]]:
    ctx = click.Context(group)
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def test_options_are_spelt_and_chosen_alike() -> None:
    seen: dict[str, int] = {"--color": 0, "--format": 0}
    for path, command in commands(okxdoctor):
        for option in command.params:
            if "--color" in option.opts:
                seen["--color"] += 1
                assert option.opts == ["--color", "--colour"], path
                assert isinstance(option.type, click.Choice)
                assert list(option.type.choices) == ["auto", "always", "never"], path
                assert option.default == "auto", path
            if "--format" in option.opts and isinstance(option.type, click.Choice):
                seen["--format"] += 1
                assert list(option.type.choices)[:2] == ["text", "json"], path
                assert option.default == "text", path
    assert min(seen.values()) >= 4
