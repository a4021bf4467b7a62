"""The house as the design draws it, read from the files: who imports whom, one word everywhere, small rooms."""

import ast
import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import undula
from undula.jobs import JOBS

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "undula"
FILES = sorted(SOURCE.rglob("*.py"))
GROUND = {"errors", "spectra"}
MIDDLE = {"data", "show", "metrics", "session", "nets", "losses", "attribution", "fit"}
FACES = {"cli", "studio", ""}  # "" is undula/__init__.py, the public index
VAGUE = {"utils", "util", "helpers", "helper", "core", "base", "common", "misc"}

PUBLIC = [
    "Alignment",
    "AudioDetector",
    "ConvergenceWarning",
    "DampedAutoencoder",
    "DataError",
    "Denoiser",
    "Denoising",
    "Detector",
    "DialReport",
    "Explanation",
    "Gaussian",
    "GradientDescent",
    "MissingExtra",
    "Modes",
    "OptionError",
    "Poisson",
    "RangeError",
    "Recovery",
    "Restoration",
    "ShapeError",
    "SharpnessDial",
    "TrainingError",
    "UndulaError",
    "View",
    "__version__",
    "align",
    "attribution",
    "data",
    "denoise",
    "estimate",
    "explain",
    "fit",
    "losses",
    "metrics",
    "nets",
    "padded_support",
    "recover",
    "restore",
    "show",
    "spectra",
    "unpad",
    "view",
    "wavelets",
    "whiten",
]


def name_of(path):
    """A file by its place in the package: `jobs/recover/call.py`."""
    return path.relative_to(SOURCE).as_posix()


def module_of(path):
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


def room_of(module):
    """`spectra`, `jobs` (THE LIST itself), `jobs.recover`, `` for the index."""
    if len(module) < 2:
        return ""
    return ".".join(module[1:3]) if module[1] == "jobs" and len(module) > 2 else module[1]


def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path):
    """Modules of Undula that a file imports, wherever in the file, as tuples of names."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names if alias.name.split(".")[0] == "undula")
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}: relative import, expected undula.…"
            module = tuple((node.module or "").split("."))
            if module == ("undula",):
                yield from (("undula", alias.name) for alias in node.names)
            elif module == ("undula", "jobs"):
                yield from (("undula", "jobs", alias.name) for alias in node.names)
            elif module[0] == "undula":
                yield module


def rooms_imported(path):
    """Other rooms that a file imports; names that THE LIST hands out are THE LIST."""
    own = room_of(module_of(path))
    for module in imported(path):
        room = room_of(module)
        if room.startswith("jobs.") and not (SOURCE / "jobs" / module[2]).is_dir():
            room = "jobs"
        if room != own:
            yield room


def by_room():
    graph = {}
    for path in FILES:
        graph.setdefault(room_of(module_of(path)), set()).update(rooms_imported(path))
    return graph


def test_every_room_stands_on_a_floor_that_is_drawn():
    rooms = {path.name for path in SOURCE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert rooms <= (GROUND | MIDDLE | FACES | {"jobs"}), "a room that the design does not know"
    files = {path.stem for path in SOURCE.glob("*.py")}
    assert files <= {"__init__", "__main__", "errors", "jax"}


def test_no_room_is_empty():
    for room in (path for path in SOURCE.rglob("*") if path.is_dir() and path.name != "__pycache__"):
        weights = any(room.rglob("*.safetensors"))  # data beside the code that reads it
        assert any(room.glob("*.py")) or weights, f"{name_of(room)} holds no file"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_point_down(path):
    own = room_of(module_of(path))
    above = set(rooms_imported(path))
    if own in GROUND or own == "jax":
        assert above <= GROUND
    elif own in MIDDLE:
        assert above <= GROUND | MIDDLE
    elif own == "jobs":
        assert not above, "THE LIST names jobs by text and loads nothing"
    elif own.startswith("jobs."):
        assert above <= GROUND | MIDDLE, "a job imports lower floors, never another job or a face"
    else:
        assert own in FACES


def test_rooms_import_one_another_without_circles():
    graph = by_room()

    def walk(room, path):
        assert room not in path, f"circle of rooms: {' → '.join([*path, room])}"
        for other in graph.get(room, ()):
            walk(other, [*path, room])

    for room in graph:
        if room not in FACES:
            walk(room, [])


@pytest.mark.parametrize("path", [p for p in FILES if p.name == "__init__.py"], ids=name_of)
def test_a_rooms_face_only_hands_out_names(path):
    if name_of(path) in ("__init__.py", "jobs/__init__.py"):
        pytest.skip("the public index and THE LIST say more")
    body = tree_of(path).body
    assert ast.get_docstring(tree_of(path)), "a face says what its room is for"
    for node in body[1:]:
        names = isinstance(node, ast.Assign) and [ast.unparse(t) for t in node.targets] == ["__all__"]
        assert names or isinstance(node, ast.Import | ast.ImportFrom), f"line {node.lineno}: {ast.unparse(node)[:60]}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_are_named_after_ideas_and_stay_small(path):
    assert path.stem not in VAGUE and not VAGUE & set(path.relative_to(SOURCE).parts)
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 350
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert lines <= 50, f"{node.name} has {lines} lines"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_all_that_is_public_says_what_it_is(path):
    tree = tree_of(path)
    assert ast.get_docstring(tree) or not tree.body, "a file says what its idea is"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{node.name} has no docstring"
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            methods = [n for n in node.body if isinstance(n, ast.FunctionDef) and not n.name.startswith("_")]
            assert all(ast.get_docstring(n) for n in methods), f"a method of {node.name} has no docstring"


def test_nothing_names_a_machine():
    places = [*FILES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")]
    forbidden = ["/" + "work/", "/" + "root/", "/" + "home/"]
    for path in places:
        text = path.read_text(encoding="utf-8")
        assert not any(word in text for word in forbidden), path.relative_to(ROOT)


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.word)
def test_one_word_is_the_room_the_tests_the_page_and_the_benchmark(job):
    assert (SOURCE / "jobs" / job.word / "__init__.py").is_file()
    assert list((ROOT / "tests" / job.word).glob("test_*.py"))
    assert (ROOT / "docs" / f"{job.word}.md").is_file()
    assert (ROOT / "benchmarks" / f"{job.word}.py").is_file()


@pytest.mark.parametrize("part", ["call", "command", "demo"])
@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.word)
def test_what_the_list_names_exists(job, part):
    module, _, name = getattr(job, part).partition(":")
    assert module.split(".")[:3] == ["undula", "jobs", job.word]
    assert callable(getattr(import_module(module), name))
    assert job.summary.endswith(".") and "\n" not in job.summary


def test_every_job_is_on_the_list():
    rooms = {path.name for path in (SOURCE / "jobs").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert rooms == {job.word for job in JOBS}


def test_the_command_knows_every_word():
    code = "from undula.cli import main; raise SystemExit(main())"
    out = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=False)
    assert out.returncode == 0, out.stderr
    for word in [*(job.word for job in JOBS), "demo", "info"]:
        assert word in out.stdout.split(), f"undula --help does not name {word}"


def test_importing_undula_is_light():
    code = "import undula, sys; dir(undula); print(*{m.split('.')[0] for m in sys.modules})"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "undula" in out.stdout.split()
    assert not {"torch", "numpy", "PIL", "rich", "cyclopts", "matplotlib", "scipy"} & set(out.stdout.split())


def test_public_names_are_these():
    assert sorted(undula.__all__) == PUBLIC
    assert dir(undula) == PUBLIC
    for name in PUBLIC:
        assert getattr(undula, name) is not None
    with pytest.raises(AttributeError, match=r"module 'undula' has no attribute 'undulate'"):
        undula.undulate  # noqa: B018


def handed_out():
    rooms = ["undula", *(f"undula.{room}" for room in sorted(GROUND | MIDDLE) if (SOURCE / room).is_dir())]
    rooms += [f"undula.jobs.{job.word}" for job in JOBS]
    for room in rooms:
        module = import_module(room)
        for name in getattr(module, "__all__", []):
            yield pytest.param(getattr(module, name), id=f"{room}.{name}")


@pytest.mark.parametrize("value", list(handed_out()))
def test_names_handed_out_have_docstrings_with_arguments(value):
    if inspect.ismodule(value) or isinstance(value, str | int | float | tuple | dict):
        return
    text = inspect.getdoc(value) or ""
    assert text, "no docstring"
    if inspect.isclass(value):
        fields = [name for name in getattr(value, "__annotations__", {}) if not name.startswith("_")]
        assert not fields or "Attributes:" in text or "Args:" in text
        return
    signature = inspect.signature(value)
    for name in signature.parameters:
        assert "Args:" in text and name in text, f"argument {name} is not described"
    returns = inspect.get_annotations(value).get("return", signature.return_annotation)
    if returns not in (None, "None", inspect.Signature.empty):
        assert any(word in text for word in ("Returns:", "Yields:")) or not signature.parameters


def test_the_front_page_is_short():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 150
