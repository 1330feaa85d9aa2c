"""cases: what scripts/prove and scripts/soak have judged, and how.

A case is one program (or one lab's pair of them) of which it is known what build/grade must say:

    solutions  every check passes
    starters   exactly the checks listed in harness/tests/starters.txt fail
    mutants    harness/tests/mutants/NN-name/PROGRAM_what.{c,py}: exactly the checks that its first comment names
               fail, each with a code that it names (in lab 09, frame_what.c is judged in the place of frame.c)
    variants   harness/tests/variants/NN-name/PROGRAM_what.{c,py}: every check passes

C sources are laid out under build/prove/ in folders of the shape that `build/grade --from` takes. They stay, and are
written only where they changed, so that what was built from them need not be built again.
"""

import hashlib
import json
import os
import re
import subprocess
import tarfile
import time
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GRADE = ROOT / "build/grade"
WORK = ROOT / "build/prove"
TESTS = ROOT / "harness/tests"
STARTERS = TESTS / "starters.txt"
KINDS = ("solutions", "starters", "mutants", "variants")
INTERPRETERS = {".py": "python3", ".pl": "perl", ".sh": "sh"}

# A check that cannot be asked without a room of its own says so; it then counts as absent.
NEEDS_PRIVATE_ROOM = re.compile(r"private room", re.IGNORECASE)
BACKSTOP_SECONDS = 600


class Trouble(Exception):
    """Something is wrong with the case itself, or with the harness."""


@dataclass
class Case:
    kind: str
    lab: str  # "03"
    name: str  # mutants/03-silence/client_sends_empty.c
    arguments: list  # of build/grade
    program: str = ""  # the one whose checks count; empty: all of them
    has_sources: bool = True
    fails: set = field(default_factory=set)  # names of checks; for starters: (program, name)
    codes: set = field(default_factory=set)
    only: list = field(default_factory=list)  # names of the checks to be asked; none: all


def lab_folders(top):
    return sorted(p for p in Path(top).glob("[0-9][0-9]-*") if p.is_dir())


def programs_of(folder_name):
    """The programs of a lab, longest name first: server_fork before server."""
    names = [p.stem for p in (ROOT / "solutions" / folder_name).glob("*.c")]
    if not folder_name.startswith("09"):  # there, frame.c is judged by itself; later it is a part of the programs
        names = [name for name in names if name != "frame"]
    return sorted(names or ["server", "client"], key=len, reverse=True)


def write_if_changed(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or path.read_bytes() != content:
        path.write_bytes(content)


def first_comment(text):
    """The lines of a source's first comment, in C, Python, Perl or shell, without its marks."""
    if match := re.match(r"\s*/\*(.*?)\*/", text, re.DOTALL):
        lines = match.group(1).split("\n")
    elif match := re.match(r"(?:#!.*\n)?(?:#.*\n)*?\s*(?:\"\"\"|''')(.*?)(?:\"\"\"|''')", text, re.DOTALL):
        lines = match.group(1).split("\n")
    else:
        lines = []
        for line in text.split("\n"):
            if re.match(r"\s*(#|//)", line):
                lines.append(line)
            elif lines:
                break
    return [re.sub(r"^\s*(\*|#|//)?\s?", "", line).rstrip() for line in lines]


def said_of(path):
    """`fails: …` and `code: …` of a mutant's first comment; a value may go on in the lines below."""
    values, key = {}, None
    for line in first_comment(path.read_text()):
        if match := re.match(r"(mutant|variant|fails|codes?)\s*:\s*(.*)", line):
            key = match.group(1)
            values[key] = match.group(2)
        elif not line.strip():
            key = None
        elif key:
            values[key] += " " + line
    words = lambda text: set(re.findall(r"[a-z0-9_]+", text))
    return values.get("mutant", ""), words(values.get("fails", "")), words(values.get("code", values.get("codes", "")))


def pristine_starters():
    """The folder of the starters as they were given out: labs/ is also where students work."""
    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True)

    if os.environ.get("STARTERS"):
        return Path(os.environ["STARTERS"]).resolve(), ""
    changed = git("status", "--porcelain", "--", "labs")
    if changed.returncode != 0 or not changed.stdout:
        return ROOT / "labs", ""
    archive = git("archive", "HEAD", "labs")
    if archive.returncode != 0:
        return ROOT / "labs", ""
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as tar:
        for member in tar.getmembers():
            if member.isfile():
                write_if_changed(WORK / "starters" / member.name, tar.extractfile(member).read())
    return WORK / "starters/labs", "labs/ differs from HEAD: the starters of HEAD are judged (STARTERS=labs: yours)"


def listed_failures():
    failures = {}
    if STARTERS.is_file():
        for line in STARTERS.read_text().splitlines():
            words = line.split("#")[0].split()
            if words:
                lab, program, name = words
                failures.setdefault(lab, set()).add((program, name))
    return failures


def whole_labs(kind, top, fails):
    for folder in lab_folders(top):
        lab = folder.name[:2]
        yield Case(kind, lab, f"{kind}/{folder.name}", ["--from", str(top)], fails=fails.get(lab, set()))


def single_programs(kind, labs):
    for folder in lab_folders(TESTS / kind):
        if labs and folder.name[:2] not in labs:
            continue
        for source in sorted(folder.iterdir()):
            if source.suffix != ".c" and source.suffix not in INTERPRETERS:
                continue
            name = f"{kind}/{folder.name}/{source.name}"
            program = next((p for p in programs_of(folder.name) if source.stem.startswith(p + "_")), None)
            if program is None:
                raise Trouble(f"{name}: a name begins with that of its program: server_…, client_…")
            mutant, fails, codes = said_of(source)
            if kind == "mutants" and not (mutant and fails and codes):
                raise Trouble(f"{name}: its first comment must have mutant:, fails: and code:")
            if kind == "variants":
                fails, codes = set(), set()
            if source.suffix == ".c":
                arguments = ["--from", str(lay_out(kind, folder.name, program, source))]
            else:
                arguments = ["--program", f"{program}={INTERPRETERS[source.suffix]} {source}"]
            yield Case(kind, folder.name[:2], name, arguments, program, source.suffix == ".c", fails, codes)


def lay_out(kind, folder_name, program, source):
    """A folder with the program in its lab's place, and with the solution's frame.c where it asks for frame.h.

    In lab 09 that one has another name there: as frame.c it would be judged along with each of the programs.
    """
    top = WORK / kind / folder_name / source.stem
    files = {f"{program}.c": source}
    if re.search(r'^\s*#\s*include\s*"frame\.h"', source.read_text(), re.MULTILINE):
        solution = ROOT / "solutions" / folder_name
        files["frame.h"] = solution / "frame.h"
        if program != "frame":
            files["framing.c" if folder_name.startswith("09") else "frame.c"] = solution / "frame.c"
    for name, origin in files.items():
        write_if_changed(top / folder_name / name, origin.read_bytes())
    for left in (top / folder_name).iterdir():
        if left.name not in files:
            left.unlink()
    return top


def collect(kinds, labs=()):
    """(cases, notes): everything of these kinds, of these labs ("03"); of all where none is named."""
    cases, notes = [], []
    for kind in kinds:
        if kind == "solutions":
            cases += whole_labs(kind, ROOT / "solutions", {})
        elif kind == "starters":
            top, note = pristine_starters()
            notes += [note] if note else []
            cases += whole_labs(kind, top, listed_failures())
        else:
            cases += single_programs(kind, labs)
    return [case for case in cases if not labs or case.lab in labs], notes


def checks_of(lab):
    """The names of a lab's checks for each of its programs."""
    listed = subprocess.run([str(GRADE), "--list", lab], capture_output=True, text=True, check=True).stdout
    names = {}
    for line in listed.splitlines():
        if match := re.match(r"\s+(\w+)\s+\d+\s+([a-z]\w*)", line):
            names.setdefault(match.group(1), []).append(match.group(2))
    return names


def quicken(cases, whole):
    """Asks less, for a test that is run often: all that is left out, scripts/prove asks without --quick.

    `whole` mutants and as many variants of each lab's programs are asked every check: those whose names have the smallest digests;
    any choice will do that is the same every time. Of the others, a mutant is asked the checks that its comment names (is it caught,
    and by the right code?), and a variant every fourth check, each fourth of the variants another fourth.
    """
    groups = {}
    for case in cases:
        if case.kind in ("mutants", "variants"):
            groups.setdefault((case.kind, case.lab, case.program), []).append(case)
    listed = {}
    for (kind, lab, program), group in groups.items():
        group.sort(key=lambda case: hashlib.sha1(case.name.encode()).digest())
        for i, case in enumerate(group[whole:]):
            if kind == "mutants":
                case.only = sorted(case.fails)
            else:
                names = listed.setdefault(lab, checks_of(lab)).get(program, [])
                case.only = names[i % 4::4]


def longest_first(cases):
    """So that none is begun last which then is waited for alone: variants with clocks in them, of the late labs above all."""
    rank = {kind: i for i, kind in enumerate(("variants", "mutants", "starters", "solutions"))}
    return sorted(cases, key=lambda case: (rank[case.kind], -int(case.lab) if case.kind == "variants" else int(case.lab)))


def grade(case, environment=None):
    """(the lab's record, seconds). What build/grade says where it should not is Trouble."""
    started = time.monotonic()
    try:
        ran = subprocess.run(
            [str(GRADE), *case.arguments, *(word for name in case.only for word in ("--check", name)),
             "--format", "json", "--jobs", "1", case.lab],
            cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=BACKSTOP_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise Trouble(f"build/grade did not end within {BACKSTOP_SECONDS} s") from None
    except OSError as error:
        raise Trouble(f"build/grade: {error.strerror}: make build") from None
    seconds = time.monotonic() - started
    try:
        record = json.loads(ran.stdout)
        statuses = {check["status"] for check in record["checks"]}
    except (ValueError, KeyError, TypeError):
        said = (ran.stderr or ran.stdout).decode(errors="replace").strip().splitlines()
        raise Trouble(f"exit status {ran.returncode}, no record; {said[-1] if said else 'nothing said'}") from None
    right = 3 if "not-judged" in statuses else 1 if "fail" in statuses else 0
    if ran.returncode != right:
        raise Trouble(f"exit status {ran.returncode} where the record means {right}")
    return record, seconds


def complaints(case, record):
    """What is wrong with this record of this case, a line each; none: as it should be."""
    checks = [c for c in record["checks"] if case.program in ("", c["program"])]
    key = (lambda c: (c["program"], c["name"])) if case.kind == "starters" else (lambda c: c["name"])
    show = lambda keys: ", ".join(sorted(" ".join(k) if isinstance(k, tuple) else k for k in keys)) or "none"

    wrong = [f"{c['program']} {c['name']}: not judged: {c.get('message') or ''}" for c in checks
             if c["status"] == "not-judged"]
    absent = set()
    for check in checks:
        if check["status"] == "skipped":
            if case.has_sources and not NEEDS_PRIVATE_ROOM.search(check.get("message") or ""):
                wrong.append(f"{check['program']} {check['name']}: skipped: {check.get('message') or ''}")
            absent.add(key(check))
    if unknown := case.fails - {key(c) for c in checks}:
        wrong.append(f"no such check: {show(unknown)}")
    expected = case.fails - absent
    failed = {key(c): c for c in checks if c["status"] == "fail"}
    if set(failed) != expected:
        wrong.append(f"expected to fail: {show(expected)}; failed: {show(failed)}")
        for name in set(failed) - expected:
            check = failed[name]
            wrong.append(f"{show([name])}: {check.get('code')}: {check.get('message')}")
    if case.codes:
        for name, check in failed.items():
            if check.get("code") not in case.codes:
                wrong.append(f"{show([name])}: expected code {show(case.codes)}; found {check.get('code')}")
    if not checks:
        wrong.append("no check was run")
    return wrong
