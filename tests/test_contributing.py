"""What CONTRIBUTING.md says of the house is how the house stands."""

import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]


def test_the_table_of_rooms_names_every_folder_and_module_once() -> None:
    text = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text.split("| room | what is in it |")[1].split("\n\n")[0]
    rooms = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    named = [name.removeprefix("medfake/") for room in rooms for name in re.findall(r"`([^`]+)`", room)]
    house = {f"{path.name}/" for path in (PROJECT / "medfake").iterdir() if (path / "__init__.py").is_file()}
    house |= {path.name for path in (PROJECT / "medfake").glob("*.py")} - {"__init__.py"}
    assert sorted(named) == sorted(house | {"pipelines/"})
