"""`medfake seal` and `medfake verify`: parse and print; the work lives in medfake.seal."""

import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from medfake.cli.json_option import json_option

if TYPE_CHECKING:
    from medfake.seal.compare import Difference
    from medfake.seal.document import Seal
    from medfake.seal.scan_files import ScanFiles

_SHOWN = 20  # differences


class _PathOrCommand(click.Group):
    """A group whose first argument may be a path, which is what it is about; a folder named keygen is ./keygen."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Leave everything to the command that takes a path, unless another one or help is asked for."""
        own = not args or args[0] in {*self.commands, *self.get_help_option_names(ctx)}
        return super().parse_args(ctx, args if own else ["--", *args])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command by its name, else the one that takes a path."""
        if args[0] in self.commands:
            return super().resolve_command(ctx, args)
        return "", _seal_path, args


@click.group(cls=_PathOrCommand, options_metavar="PATH --key FILE [--out FILE]", subcommand_metavar="| keygen")
def seal() -> None:
    """Sign what a scan shows, so that medfake verify proves whether it was changed since.

    medfake seal PATH --key FILE [--out FILE] reads every DICOM image below PATH and writes a seal beside it,
    PATH.seal.json: of each slice a digest of its decoded pixels, its geometry and what its values mean, signed with
    Ed25519. Nothing is written into the scan. A lossless change of the compression breaks no seal; a pixel, a
    position, a slope, a missing or an added slice does. UIDs are in it as salted digests; names, dates and file names
    are not. Windows, overlays, links, whose scan it is and what uptake is computed with are not covered. A file that
    readers may take differently, with an element twice or fragments that its tables pass over, is refused.

    Keep the private key off the archive, on the machine that seals, and its public key where scans are verified. For a
    new key run keygen into another folder, and give verify the old public key beside the new one: old seals stay valid.

    A seal proves nothing about what was before it: who made the image, whether it was true, whose it is. It is no DICOM
    Digital Signature (PS3.15 annex C): that wants RSA and a certificate of each signer, stands in the file it signs, is
    broken by lossless compression and says nothing of a slice that is missing; dcmsign of DCMTK makes and checks these.
    """


@click.command(name="seal")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--key", required=True, type=click.Path(path_type=Path), metavar="FILE", help="The private key.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="The seal; left out, PATH.seal.json.")
def _seal_path(path: Path, key: Path, out: Path | None) -> None:
    """Write the seal of a scan: a file, or every DICOM image below a folder."""
    from medfake.files import path_text
    from medfake.outputs import check_output
    from medfake.seal.document import SEAL_FILE, write_seal
    from medfake.seal.keys import is_readable_by_others, load_private_key
    from medfake.seal.make import default_place, make_seal

    place = out or default_place(path)
    check_output(place, SEAL_FILE)
    private = load_private_key(key, _ask_passphrase)
    if is_readable_by_others(key):
        click.echo(f"warning: others may read {path_text(key)}; next: chmod 600 {path_text(key)}", err=True)
    made, found = make_seal(path, private, [place.resolve()])
    write_seal(place, made)
    click.echo(f"sealed: {_counted(made)} with key {made.sealed.key}")
    _tell_left_out(found)
    click.echo(f"written: {path_text(place)}\nnext: medfake verify {path_text(path)} --key PUBLIC-KEY" + (
        f" --seal {path_text(place)}" if out else ""
    ))  # fmt: skip


@seal.command()
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="FOLDER",
              help="Where seal-private.pem and seal-public.pem go.")  # fmt: skip
@click.option(
    "--passphrase",
    is_flag=True,
    help="Ask for a passphrase that the private key is encrypted with; also $MEDFAKE_SEAL_PASSPHRASE.",
)
def keygen(out: Path, passphrase: bool) -> None:
    """Make a pair of keys: the private one seals, the public one verifies."""
    from medfake.files import path_text
    from medfake.seal.keys import PASSPHRASE_VARIABLE, generate_keys

    given = os.environ.get(PASSPHRASE_VARIABLE)
    if given is None and passphrase:
        given = click.prompt("Passphrase", hide_input=True, confirmation_prompt=True, err=True)
    made = generate_keys(out, given)
    protected = "encrypted" if given else "not encrypted (--passphrase does)"
    click.echo(f"private key, {protected}: {path_text(made.private)}; it never leaves the machine that seals")
    click.echo(f"public key: {path_text(made.public)}; fingerprint {made.fingerprint}")
    click.echo(f"next: medfake seal PATH --key {path_text(made.private)}")


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--key", "keys", required=True, multiple=True, type=click.Path(path_type=Path), metavar="FILE",
              help="A public key that is trusted; may be given several times, as after a change of keys.")  # fmt: skip
@click.option("--seal", "seal_file", type=click.Path(path_type=Path), metavar="FILE",
              help="The seal; left out, PATH.seal.json.")  # fmt: skip
@json_option(any_name=True)
def verify(path: Path, keys: Sequence[Path], seal_file: Path | None, json_file: Path | None) -> None:
    """Say whether a scan is what was sealed: ends with 0 where it is, with 17 where it is proven not to be.

    With 16 it ends where nothing can be said: no seal, another key, no scan.
    """
    from medfake.errors import SealBrokenError
    from medfake.files import path_text
    from medfake.outputs import check_output, is_standard_output, json_format, write_json_output
    from medfake.seal.compare import compare
    from medfake.seal.document import read_seal, require_signature
    from medfake.seal.keys import load_public_key
    from medfake.seal.make import default_place

    output = json_format("a verification of a seal", _FIELDS)
    if json_file:
        check_output(json_file, output)
    place = seal_file or default_place(path)
    taken = json_file is not None and is_standard_output(json_file)
    written = None if taken else json_file
    made = read_seal(place)
    require_signature(made, [load_public_key(one) for one in keys], place)
    differences, found = compare(path, made.sealed, [one.resolve() for one in (place, written) if one])
    if json_file:
        write_json_output(json_file, output, _document(path, place, made, differences, found))
    several = len(made.sealed.series) > 1
    for one in differences[:_SHOWN]:
        click.echo(one.sentence(several), err=taken)
    if len(differences) > _SHOWN:
        click.echo(f"and {len(differences) - _SHOWN} more; all of them: --json FILE", err=taken)
    _tell_left_out(found, err=taken)
    if differences:
        told = ", ".join(f"{number} {kind}" for kind, number in Counter(one.kind for one in differences).items())
        raise SealBrokenError(
            f"this is not what was sealed on {made.sealed.sealed_at:%Y-%m-%d}", where=path_text(path), received=told,
            remedy="fetch the scan again from where it was sealed; medfake scan PATH looks for traces of manipulation",
        )  # fmt: skip
    click.echo(f"intact: {_counted(made)}, as sealed on {made.sealed.sealed_at:%Y-%m-%d} with key {made.sealed.key}",
               err=taken)  # fmt: skip


_FIELDS = (
    "path", "seal", "key", "sealed_at", "verdict", "series", "slices", "differences", "left_out",
    "with_dicom_signatures",
)  # fmt: skip


def _document(
    path: Path, place: Path, made: "Seal", differences: Sequence["Difference"], found: "ScanFiles"
) -> dict[str, object]:
    from dataclasses import asdict

    from medfake.files import path_text

    values = (
        path_text(path), path_text(place), made.sealed.key, made.sealed.sealed_at.isoformat(),
        "broken" if differences else "intact", len(made.sealed.series), made.sealed.slices,
        [asdict(one) for one in differences],
        [{"path": path_text(one.path), "reason": one.reason} for one in found.left_out], found.signatures,
    )  # fmt: skip
    return dict(zip(_FIELDS, values, strict=True))


def _ask_passphrase() -> str | None:
    from medfake.seal.keys import PASSPHRASE_VARIABLE

    given = os.environ.get(PASSPHRASE_VARIABLE)
    if given is None and sys.stdin.isatty():
        given = str(click.prompt("Passphrase", hide_input=True, err=True))
    return given


def _counted(made: "Seal") -> str:
    series = len(made.sealed.series)
    return f"{made.sealed.slices} slices of {series} series"


def _tell_left_out(found: "ScanFiles", *, err: bool = False) -> None:
    reasons = Counter(one.reason for one in found.left_out)
    if reasons:
        told = ", ".join(f"{number} {reason}" for reason, number in reasons.items())
        click.echo(f"left out, and not covered by the seal: {told}", err=err)
    if found.signatures:
        click.echo(f"{found.signatures} files carry DICOM Digital Signatures of their own, not looked at here: "
                   "dcmsign of DCMTK checks them", err=err)  # fmt: skip
