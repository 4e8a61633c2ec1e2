"""``iecread completion SHELL``: the script that Click makes for a shell."""

import click

from iecread.cli.command import Command, common_options

SHELLS = ("bash", "zsh", "fish", "powershell")


def script(shell: str) -> str:
    """Return the completion script for one of SHELLS."""
    from click.shell_completion import ShellComplete, get_completion_class

    from iecread.cli.main import cli

    maker = get_completion_class(shell)
    if maker is None:
        raise LookupError(shell)
    # not maker.source(): for bash that starts the bash of this machine to look at
    # its version, which says nothing about where the script will be used
    text = ShellComplete.source(maker(cli, {}, "iecread", "_IECREAD_COMPLETE"))
    return text.rstrip("\n") + "\n"


@click.command(
    cls=Command,
    short_help="Completion script for a shell.",
    example="iecread completion bash > ~/.local/share/bash-completion/completions/"
    "iecread",
)
@click.argument("shell", type=click.Choice(SHELLS))
@common_options
def command(shell: str) -> None:
    """Print the completion script for SHELL.

    \b
    bash:       eval "$(iecread completion bash)"           in ~/.bashrc
    zsh:        eval "$(iecread completion zsh)"            in ~/.zshrc
    fish:       iecread completion fish | source            in config.fish
    powershell: iecread completion powershell | Out-String | Invoke-Expression
                                                            in $PROFILE
    """
    click.echo(script(shell).encode(), nl=False)
