"""Take the file that somebody chose in a `FileUpload`, in either generation of ipywidgets."""

from __future__ import annotations

from pathlib import Path


def uploaded_file(upload, folder: Path) -> Path | None:
    """Write the file chosen last into `folder`, and return its path; None if none was chosen.

    `upload.value` is a dict by file name in ipywidgets 7, and a tuple of dicts in version 8.
    """
    files = upload.value
    if not files:
        return None
    if isinstance(files, dict):
        name, file = list(files.items())[-1]
    else:
        name, file = files[-1]["name"], files[-1]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / Path(name).name  # never a folder out of the name
    path.write_bytes(bytes(file["content"]))
    return path
