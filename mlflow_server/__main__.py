"""`python -m mlflow_server`: the MLflow UI and registry of the study in params.yaml; with `team`, of many people."""

from dataclasses import replace
from pathlib import Path

import click
from click.core import ParameterSource

from medfake.cli.command_line import run
from medfake.cli.json_option import json_option, write_listing
from mlflow_server.check import findings_of, in_words, require_safe
from mlflow_server.configured_service import BEHIND_PROXY, HOST, TLS_CERT, TLS_KEY, team_of_environment
from mlflow_server.rules.registry import Finding, judged
from mlflow_server.server import DEFAULT_PORT, serve, serve_team

_PORT = click.IntRange(1, 65535)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(invoke_without_command=True, help=__doc__)
@click.option("--host", default="127.0.0.1", show_default=True, help="A loopback address.")
@click.option("--port", type=_PORT, default=DEFAULT_PORT, show_default=True)
@click.pass_context
def main(context: click.Context, host: str, port: int) -> None:
    """Start the server of this machine, unless another command is named."""
    given = [name for name in ("host", "port") if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if given and context.invoked_subcommand is not None:
        raise click.UsageError(f"--{given[0]} goes behind the name of the command: {context.invoked_subcommand}")
    if context.invoked_subcommand is None:
        from medfake.project import Project

        project = Project.find()
        serve(project.tracking, project.study, host, port, say=_tell)


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, envvar=HOST, help="Where to listen.")
@click.option("--port", type=_PORT, default=DEFAULT_PORT, show_default=True, envvar="MLFLOW_PORT")
@click.option("--tls-cert", type=_FILE, envvar=TLS_CERT, help="PEM file of the certificate and its chain.")
@click.option("--tls-key", type=_FILE, envvar=TLS_KEY, help="PEM file of its key.")
@click.option(
    "--behind-proxy", is_flag=True, envvar=BEHIND_PROXY,
    help="A proxy before it has the certificate, and nobody else reaches this port.",
)  # fmt: skip
def team(host: str, port: int, tls_cert: Path | None, tls_key: Path | None, behind_proxy: bool) -> None:
    """Start a server for a team: PostgreSQL, files through the server, users with passwords and permissions.

    All else comes from the environment, no secret from the command line: MLFLOW_BACKEND_STORE_URI (PostgreSQL; its
    password as PGPASSWORD), MLFLOW_ARTIFACTS_DESTINATION (a folder or s3://), MLFLOW_AUTH_ADMIN_PASSWORD,
    MLFLOW_FLASK_SERVER_SECRET_KEY and MLFLOW_SERVER_ALLOWED_HOSTS. NAME_FILE names a file of the secret NAME.
    """
    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key go together")
    if tls_cert is not None and tls_key is not None:
        from medfake.serving.tls_files import require_pair

        require_pair(tls_cert, tls_key)
    service = replace(team_of_environment(), host=host, tls=tls_cert is not None, behind_proxy=behind_proxy)
    findings = judged([service])
    for one in findings:
        _tell(in_words(one))
    require_safe(findings, again="python -m mlflow_server team")
    serve_team(service, port, (tls_cert, tls_key) if tls_cert and tls_key else None, say=_tell)


@main.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@json_option()
def check(file: Path | None, json_file: Path | None) -> None:
    """Say what is unsafe about a configuration: FILE is a compose file, or one of lines NAME=VALUE.

    Without FILE, about the environment of this very shell, as `team` would take it.
    """
    from medfake.outputs import json_format

    findings = findings_of(file)
    rows = [{**vars(one), "severity": str(one.severity)} for one in findings]
    if write_listing(json_file, json_format("findings", Finding.__annotations__), rows):
        for one in findings:
            click.echo(in_words(one))
    start = "docker compose up -d" if file is not None else "python -m mlflow_server team"
    require_safe(findings, again=f"python -m mlflow_server check{f' {file}' if file else ''}")
    _tell(f"nothing unsafe{f', {len(findings)} to be cautious of' if findings else ''}\nnext: {start}")


@main.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def secrets(folder: Path) -> None:
    """Make the secrets that compose.yaml names, as files below FOLDER that only this user can read.

    What is there already stays as it is.
    """
    from mlflow_server.new_secrets import write_secrets

    for path in write_secrets(folder):
        _tell(f"written: {path}")
    _tell(f"next: export MEDFAKE_SECRETS={folder.absolute()}, then python -m mlflow_server check compose.yaml")


def _tell(text: str) -> None:
    click.echo(text, err=True)


if __name__ == "__main__":
    run(main)
