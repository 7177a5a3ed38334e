"""Makes the component: `python3 build.py`. The tools that requirements.txt pins are installed into
.venv the first time, and again when it changes.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

NAME, WORLD, ENTRY = "{{name}}", "handler", "httpd_guest.lean"

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
REQUIREMENTS = HERE / "requirements.txt"
INSTALLED = VENV / "installed-from.txt"


def main() -> None:
    if sys.version_info < (3, 10):
        sys.exit(f"error: this is Python {sys.version.split()[0]}, and 3.10 or later is needed")
    install()
    component = HERE / "dist" / f"{NAME}.wasm"
    component.parent.mkdir(exist_ok=True)
    command = [program("componentize-py"), "--wit-path", HERE / "wit", "--world", WORLD]
    command += ["componentize", ENTRY, "--python-path", HERE, "--output", component]
    # A handler finds what is installed in .venv, and nothing else of this machine.
    environment = os.environ | {"VIRTUAL_ENV": str(VENV)}
    if subprocess.run(command, env=environment).returncode != 0:
        sys.exit("error: componentize-py failed")
    print(f"dist/{component.name}: {-(-component.stat().st_size // 1024)} KiB")


def install() -> None:
    wanted = REQUIREMENTS.read_text()
    if INSTALLED.exists() and INSTALLED.read_text() == wanted:
        return
    try:
        venv.create(VENV, clear=True, with_pip=True)
    except (subprocess.CalledProcessError, ImportError):
        sys.exit("error: Python cannot make a virtual environment (Debian: install python3-venv)")
    pip = [program("python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*pip, "--requirement", REQUIREMENTS]).returncode != 0:
        sys.exit("error: pip could not install what requirements.txt says")
    INSTALLED.write_text(wanted)


def program(name: str) -> Path:
    return VENV / ("Scripts" if os.name == "nt" else "bin") / name


if __name__ == "__main__":
    main()
