import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.utils.serialize import parse_yaml

from medfake.config import Params, load_params, validate
from medfake.config.yaml_file import read_yaml
from medfake.datasets.chosen import validate_chosen
from medfake.errors import ConfigError
from medfake.project import Project
from medfake.studies import all_studies

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture
def values() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((PROJECT / "params.yaml").read_text())
    return copy.deepcopy(loaded)


def _message(values: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        validate_chosen(validate(Params, values, "params.yaml"))
    return caught.value.what


def test_the_projects_own_params_are_valid() -> None:
    assert validate_chosen(load_params(PROJECT / "params.yaml")).study == "quickstart"


@pytest.mark.parametrize("study", sorted((PROJECT / "studies").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_study_is_valid(study: Path) -> None:
    assert validate_chosen(load_params(study)).study == study.stem


def test_an_unknown_key_is_named_with_its_value_and_a_near_match(values: dict[str, Any]) -> None:
    values["datasets"]["chest"]["labeling"] = 1
    message = _message(values)
    assert message.startswith("unknown key datasets.chest.labeling = 1, did you mean 'labelling'?")
    assert "expected one of ['augment', 'balance'" in message


def test_an_unknown_view_is_named_with_those_that_there_are(values: dict[str, Any]) -> None:
    values["datasets"]["chest"]["view"] = {"name": "localised"}
    message = _message(values)
    assert message.startswith("datasets.chest.view.name = 'localised'")
    assert "did you mean 'localized'?" in message


def test_an_unknown_key_of_a_view_is_told_with_the_keys_of_that_view(values: dict[str, Any]) -> None:
    values["datasets"]["chest"]["view"] = {"name": "localized", "sizes": 64}
    message = _message(values)
    assert message.startswith("unknown key datasets.chest.view.sizes = 64, did you mean 'size'?")
    assert message.endswith("expected one of ['name', 'size']")


def test_only_train_is_augmented_outside_the_replica_protocol(values: dict[str, Any]) -> None:
    values["datasets"]["chest"]["augment"] = {"splits": ["train", "test"]}
    assert "augment.splits must be [train] under grouped" in _message(values)


def test_only_folds_do_without_a_test_split(values: dict[str, Any]) -> None:
    values["datasets"]["chest"]["split"] |= {"test": 0.0, "folds": 3}
    validate(Params, copy.deepcopy(values), "params.yaml")
    del values["datasets"]["chest"]["split"]["folds"]
    assert "test may be 0 only where folds say how every patient is tested" in _message(values)


def test_two_folds_would_leave_nothing_to_learn_from(values: dict[str, Any]) -> None:
    values["datasets"]["chest"]["split"]["folds"] = 2
    assert "datasets.chest.split.folds" in _message(values)


def test_leaving_out_needs_to_be_told_what(values: dict[str, Any]) -> None:
    values["datasets"]["chest"]["split"]["protocol"] = "leave-scanner-out"
    assert _message(values) == "missing key datasets.chest.split.held_out"


def test_what_is_held_out_is_no_option_of_other_protocols(values: dict[str, Any]) -> None:
    values["datasets"]["chest"]["split"]["held_out"] = "CT-GAN"
    assert _message(values).startswith("unknown key datasets.chest.split.held_out = 'CT-GAN'")


def test_an_unknown_protocol_is_told_with_a_near_match(values: dict[str, Any]) -> None:
    values["datasets"]["chest"]["split"]["protocol"] = "grupped"
    assert _message(values).startswith("datasets.chest.split.protocol = 'grupped'")
    assert "did you mean 'grouped'?" in _message(values)


def test_an_unknown_manipulation_is_told_with_its_place_in_the_list(values: dict[str, Any]) -> None:
    values["forged"] = {
        "own": {"seed": 1, "reals": "data", "scans_per_patient": 1, "manipulations": ["removal", "injecton"]}
    }
    assert _message(values).startswith("forged.own.manipulations.1 = 'injecton'")
    assert "did you mean 'injection'?" in _message(values)


def test_an_unknown_manipulation_of_a_bank_is_told_with_a_near_match(values: dict[str, Any]) -> None:
    values["banks"] = {"own": {"seed": 1, "reals": ["data"], "identifiers": "public", "slices": 9}}
    values["banks"]["own"]["manipulations"] = {"removal": 1.0, "poison": 2.0}
    message = "banks.own.manipulations = 'poison' is no kind of manipulation, did you mean 'poisson'?"
    assert _message(values).startswith(message)


@pytest.mark.parametrize("weight", [0, -1.0])
def test_a_manipulation_of_a_bank_has_a_weight_above_0(values: dict[str, Any], weight: float) -> None:
    values["banks"] = {"own": {"seed": 1, "reals": ["data"], "identifiers": "public", "slices": 9}}
    values["banks"]["own"]["manipulations"] = {"removal": weight}
    assert "banks.own.manipulations.removal" in _message(values)


def test_an_unknown_scanner_is_told_with_its_place_in_the_list(values: dict[str, Any]) -> None:
    values["phantom"]["chest"]["scanners"] = ["Phantom A", "Phantom D"]
    validate_chosen(validate(Params, copy.deepcopy(values), "params.yaml"))
    values["phantom"]["chest"]["scanners"][1] = "phantom d"
    message = _message(values)
    assert message == "phantom.chest.scanners.1 = 'phantom d' is no kind of scanner, did you mean 'Phantom D'?"


def test_options_of_a_view_and_a_protocol_are_filled_up_at_the_door(values: dict[str, Any]) -> None:
    values["datasets"]["chest"]["view"] = {"name": "localized"}
    chest = validate_chosen(validate(Params, values, "params.yaml")).datasets["chest"]
    assert chest.view.model_dump() == {"name": "localized", "size": 128}
    assert chest.split.model_dump()["folds"] is None


def test_an_unknown_key_inside_a_tagged_block_is_compared_with_that_blocks_keys(values: dict[str, Any]) -> None:
    values["datasets"]["chest"]["labelling"]["tampered"] = 1
    assert _message(values).startswith(
        "unknown key datasets.chest.labelling.tampered = 1, did you mean 'tampered_mm'?; "
        "expected one of ['ignore_mm', 'rule', 'tampered_mm']"
    )


def test_a_wrong_type_is_named_with_what_was_expected(values: dict[str, Any]) -> None:
    values["train"]["seeds"] = ["1"]
    assert _message(values) == "train.seeds.0 = '1': input should be a valid integer"


def test_a_wrong_word_is_answered_with_the_allowed_ones(values: dict[str, Any]) -> None:
    values["nominate"]["metric"] = "acuracy"
    assert _message(values) == (
        "nominate.metric = 'acuracy': input should be 'auc', 'h', 'accuracy' or 'f1', did you mean 'accuracy'?"
    )


def test_a_missing_key_is_named(values: dict[str, Any]) -> None:
    del values["evaluation"]["seed"]
    assert _message(values) == "missing key evaluation.seed"


def test_a_detector_to_train_needs_a_block_of_options(values: dict[str, Any]) -> None:
    values["train"]["detectors"] = ["ResidualCN"]
    assert "'ResidualCN', which has no block under detectors, did you mean 'ResidualCNN'?" in _message(values)


def test_only_the_first_five_faults_are_told_and_the_rest_counted(values: dict[str, Any]) -> None:
    values["train"]["seeds"] = ["1"] * 8
    assert _message(values).endswith("; ... and 3 more")


@pytest.mark.parametrize(("tampered_mm", "ignore_mm", "valid"), [(16.0, 16.0, True), (16.0, 15.9, False)])
def test_the_ignored_band_begins_where_the_tampered_one_ends(
    values: dict[str, Any], tampered_mm: float, ignore_mm: float, valid: bool
) -> None:
    values["datasets"]["chest"]["labelling"].update(tampered_mm=tampered_mm, ignore_mm=ignore_mm)
    if valid:
        assert validate(Params, values, "params.yaml")
    else:
        assert "ignore_mm must be at least tampered_mm, but got 15.9 < 16.0" in _message(values)


@pytest.mark.parametrize(("val", "test", "valid"), [(0.5, 0.49, True), (0.5, 0.5, False)])
def test_val_and_test_leave_something_to_train_on(values: dict[str, Any], val: float, test: float, valid: bool) -> None:
    values["datasets"]["chest"]["split"].update(val=val, test=test)
    if valid:
        assert validate(Params, values, "params.yaml")
    else:
        assert "val + test must leave something to train on, but got 0.5 + 0.5" in _message(values)


def test_a_missing_file_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no params\.yaml here") as caught:
        load_params(tmp_path / "params.yaml")
    assert caught.value.where == str(tmp_path)


def test_broken_yaml_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("a: 1\nb: [\n")
    with pytest.raises(ConfigError, match="not valid YAML") as caught:
        load_params(tmp_path / "params.yaml")
    assert "line 3" in str(caught.value.where)


def _write(tmp_path: Path, raw: bytes) -> Path:
    (tmp_path / "params.yaml").write_bytes(raw)
    return tmp_path / "params.yaml"


def _refused(path: Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read_yaml(path)
    assert caught.value.exit_code == 3
    return caught.value


def test_the_dialect_is_that_of_dvc(tmp_path: Path) -> None:
    text = "rate: 1e-3\nno: on\nseed: 010\nbig: 4e1\nhex: 0x10\nword: yes\nlist: [~, null, 1_000]\nreal: 1.0e-3\n"
    path = _write(tmp_path, text.encode())
    values = read_yaml(path)
    assert values == parse_yaml(text, str(path))
    assert isinstance(values, dict)
    assert values["rate"] == 0.001
    assert values["no"] == "on"
    assert values["seed"] == 10


def test_exponents_without_a_point_are_numbers_in_params(tmp_path: Path) -> None:
    text = (PROJECT / "params.yaml").read_text().replace("tolerance: 0.02", "tolerance: 2e-2")
    assert load_params(_write(tmp_path, text.encode())).datasets["chest"].balance.tolerance == 0.02


@pytest.mark.parametrize(
    ("raw", "line", "received"),
    [
        (b"# F\xfcr die Studie\nstudy: x\n", 1, "byte 0xfc"),  # Windows-1252
        (b"study: x\r\n# F\xfcr\r\n", 2, "byte 0xfc"),
        ("study: x\n".encode("utf-16"), 1, "UTF-16"),
        ("study: x\n".encode("utf-16-be"), None, None),  # without a mark it is UTF-8 with characters that YAML has not
    ],
)
def test_what_is_no_utf8_is_told_with_its_line(
    tmp_path: Path, raw: bytes, line: int | None, received: str | None
) -> None:
    error = _refused(_write(tmp_path, raw))
    if line is not None:
        assert error.what == "params.yaml is not UTF-8"
        assert str(error.where).endswith(f"params.yaml, line {line}")
        assert error.received == received
        assert error.remedy == "save it as UTF-8"


def test_a_byte_order_mark_is_read_as_dvc_reads_it(tmp_path: Path) -> None:
    assert read_yaml(_write(tmp_path, b"\xef\xbb\xbfstudy: x\r\n")) == {"study": "x"}


def test_a_key_that_stands_twice_is_refused_with_its_line(tmp_path: Path) -> None:
    error = _refused(_write(tmp_path, b"study: x\nseed:\n  one: 1\n  one: 2\n"))
    assert error.what == "params.yaml has a key twice"
    assert str(error.where).endswith("line 4")
    assert str(error.received).startswith('"one"')


def test_a_folder_of_that_name_is_told(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").mkdir()
    assert _refused(tmp_path / "params.yaml").what == "params.yaml is a folder"


def test_a_study_that_is_no_utf8_is_told_like_params(tmp_path: Path) -> None:
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "own.yaml").write_bytes(b"# F\xfcr\n")
    with pytest.raises(ConfigError, match=r"own\.yaml is not UTF-8"):
        all_studies(Project(tmp_path))


def test_a_key_that_yaml_takes_for_a_number_is_to_be_quoted(values: dict[str, Any]) -> None:
    values["datasets"][2019] = values["datasets"]["chest"]
    assert _message(values).startswith("datasets has the key 2019, which is no text; write it in quotes")


def test_a_nominated_data_set_must_be_one_that_is_trained_on(values: dict[str, Any]) -> None:
    values["nominate"]["dataset"] = "chst"
    message = _message(values)
    assert message == "nominate.dataset names 'chst', which train.datasets does not have, did you mean 'chest'?"
    values["nominate"]["dataset"] = "chest"
    assert validate(Params, values, "params.yaml").nominate.dataset == "chest"


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ({"metrics": {"auk": 0.5}}, "did you mean 'auc'?"),
        ({"metrics": {"auc": 1.01}}, "promote.metrics.auc = 1.01"),
        ({"patients": 0}, "promote.patients = 0"),
        ({"slice_ms": 0}, "promote.slice_ms = 0"),
        ({"unmeasured": "maybe"}, "should be 'tell' or 'refuse'"),
        ({"robustnes_drop": 0.3}, "did you mean 'robustness_drop'?"),
    ],
)
def test_a_floor_of_promotion_that_means_nothing_is_refused(
    values: dict[str, Any], block: dict[str, Any], said: str
) -> None:
    values["promote"] = block
    assert said in _message(values)


@pytest.mark.parametrize("uri", ["", "mysql", "mlflow.db"])
def test_a_store_without_an_address_is_not_taken_for_a_folder(values: dict[str, Any], uri: str) -> None:
    values["tracking"]["uri"] = uri
    assert _message(values).startswith("tracking.uri: should be an address such as sqlite:///mlflow.db")


@pytest.mark.parametrize("block", sorted(set(Params.model_fields) - {"study"}))
@pytest.mark.parametrize("wrong", [None, [1], "word", 3])
def test_what_is_no_block_is_told_without_names_of_classes(values: dict[str, Any], block: str, wrong: object) -> None:
    values[block] = wrong
    assert _message(values) == f"{block} = {wrong!r}: input should be a block of keys and values"


@pytest.mark.parametrize("text", ["", "# only a comment\n", "3\n", "- 1\n"])
def test_a_file_without_blocks_is_told_as_a_whole(tmp_path: Path, text: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"^the file = .*: input should be a block of keys and values"):
        load_params(path)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda raw: raw.replace(b"  chest:", b"\tchest:", 1), "line 5"),
        (lambda raw: "# für\n".encode("cp1252") + raw, "line 1"),
        (lambda raw: raw + b"\0", "params.yaml"),
        (
            lambda raw: raw + b"---\nstudy: other\n",
            f"line {len((PROJECT / 'params.yaml').read_text().splitlines()) + 1}",
        ),
    ],
    ids=["tabs", "windows-1252", "nul", "two documents"],
)
def test_what_is_no_yaml_is_told_with_its_place(tmp_path: Path, change: Any, where: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(change((PROJECT / "params.yaml").read_bytes()))
    with pytest.raises(ConfigError) as caught:
        load_params(path)
    assert where in str(caught.value.where)
    assert caught.value.remedy


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_of_other_systems_change_nothing(tmp_path: Path, end: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes((PROJECT / "params.yaml").read_text().replace("\n", end).encode())
    assert load_params(path) == load_params(PROJECT / "params.yaml")


@pytest.mark.parametrize(
    ("name", "members", "message"),
    [
        ("RandomForest", ["RandomForest", "ResidualCNN"], "stacks.RandomForest has the name of a detector"),
        ("Hybrid", ["RandomForest"], "at least 2 items"),
        ("Hybrid", ["RandomForest", "RandomForest"], "each detector stands once, but got RandomForest twice"),
    ],
)
def test_a_stack_is_of_several_detectors(values: dict[str, Any], name: str, members: list[str], message: str) -> None:
    values["stacks"] = {name: {"of": members}}
    assert message in _message(values)


@pytest.mark.parametrize("rule", [0.5, "yuden", {"fixed": 1.0}, {"fixed": 0.0}, {"at": 0.5}])
def test_a_threshold_is_youden_or_a_number_of_its_own(values: dict[str, Any], rule: object) -> None:
    values["evaluation"]["threshold"] = rule
    assert _message(values).startswith("evaluation.threshold: should be youden, or fixed with a number above 0")


@pytest.mark.parametrize("rule", ["youden", {"fixed": 0.5}, {"fixed": 0.999}])
def test_both_kinds_of_threshold_are_read(values: dict[str, Any], rule: object) -> None:
    values["evaluation"]["threshold"] = rule
    chosen = validate(Params, values, "params.yaml").evaluation.threshold
    assert chosen == rule or chosen.model_dump() == rule  # type: ignore[union-attr]  # a word has no fields


def test_without_a_word_the_class_is_tampered_and_validation_chooses(values: dict[str, Any]) -> None:
    evaluation = validate(Params, values, "params.yaml").evaluation
    assert (evaluation.positive, evaluation.threshold) == ("tampered", "youden")


def test_false_leaves_explanations_out_and_studies_older_than_them_have_some(values: dict[str, Any]) -> None:
    values["explain"] = False
    assert validate(Params, values, "params.yaml").explain.slices == 0
    del values["explain"]
    assert validate(Params, values, "params.yaml").explain.slices > 0


@pytest.fixture
def shree() -> dict[str, Any]:
    """The study that measures a drop on deepfakes."""
    loaded: dict[str, Any] = yaml.safe_load((PROJECT / "studies/shree.yaml").read_text())
    return copy.deepcopy(loaded)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"dataset": "nodule"}, "drop.dcgan.dataset names 'nodule', which train.datasets does not have"),
        ({"generator": "gan"}, "drop.dcgan.generator names 'gan', which generators does not have"),
        ({"direct": "generate"}, "drop.dcgan.direct names 'generate', which train.datasets does not have"),
        ({"detectors": ["VGG19"]}, "drop.dcgan.detectors names 'VGG19', which train.detectors does not have"),
        ({"dataset": "generated"}, "dcgan learnt the classes of data set nodules, and detectors of generated"),
    ],
)
def test_a_drop_is_of_detectors_and_a_generator_of_one_data_set(
    shree: dict[str, Any], changed: dict[str, Any], message: str
) -> None:
    shree["drop"]["dcgan"].update(changed)
    assert message in _message(shree)


def test_a_drop_may_be_of_the_same_scans_split_otherwise_and_of_no_other_scans(shree: dict[str, Any]) -> None:
    assert shree["drop"]["patients-mixed"]["dataset"] != shree["generators"]["dcgan"]["dataset"]
    validate(Params, shree, "params.yaml")
    another = {"kind": "lidc", "path": "data/raw/another"}
    shree["datasets"]["nodules-mixed"].update(reals=another, fakes=another)
    assert "drop.patients-mixed: dcgan learnt the classes of data set nodules" in _message(shree)


def test_a_generator_learns_nodules_and_so_a_drop_is_of_detectors_of_nodules(shree: dict[str, Any]) -> None:
    shree["generators"]["dcgan"]["dataset"] = shree["drop"]["dcgan"]["dataset"] = "generated"
    assert "generators.dcgan.dataset is generated, whose slices are not told apart by nodules" in _message(shree)


def test_a_nodule_data_set_has_no_fakes(shree: dict[str, Any]) -> None:
    shree["datasets"]["nodules"]["fakes"] = {"kind": "ct_gan", "path": "data/raw/CT-GAN"}
    assert "labelling.rule nodules uses no fakes" in _message(shree)
